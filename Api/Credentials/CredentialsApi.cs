using System.Text.RegularExpressions;
using AspireJobs.Api.Http;
using AspireJobs.Jobs;
using AspireJobs.Jobs.Credentials;
using Microsoft.AspNetCore.Http.HttpResults;

namespace AspireJobs.Api.Credentials;

/// <summary>A credential to store. Its values can be used by jobs and deleted, never read again.</summary>
sealed record NewCredential
{
    public string? Name { get; init; }

    public CredentialType? Type { get; init; }

    public IReadOnlyDictionary<string, string>? Values { get; init; }
}

static partial class CredentialsApi
{
    public static void MapCredentials(this IEndpointRouteBuilder api)
    {
        api.MapPost("/credentials", CreateAsync);
        api.MapGet("/credentials", ListAsync);
        api.MapDelete("/credentials/{name}", DeleteAsync);
    }

    static async Task<Results<Created<CredentialInfo>, ProblemHttpResult>> CreateAsync(
        Body<NewCredential> body, CredentialStore credentials, CancellationToken cancellationToken)
    {
        var errors = Validate(body.Value);
        if (errors.Any)
            return Problems.Invalid(errors.ByField);
        var credential = new Credential(body.Value.Name!, body.Value.Type!.Value, body.Value.Values!);
        return await credentials.CreateAsync(credential, cancellationToken) is { } created
            ? TypedResults.Created($"/api/v1/credentials/{created.Name}", created)
            : Problems.Conflict("name-taken", $"There is a credential '{credential.Name}' already. Delete it first: values cannot be changed in place.");
    }

    static async Task<Ok<Page<CredentialInfo>>> ListAsync(CredentialStore credentials, CancellationToken cancellationToken) =>
        TypedResults.Ok(new Page<CredentialInfo>(await credentials.ListAsync(cancellationToken)));

    static async Task<Results<NoContent, ProblemHttpResult>> DeleteAsync(string name, CredentialStore credentials, CancellationToken cancellationToken) =>
        await credentials.DeleteAsync(name, cancellationToken) ? TypedResults.NoContent() : Problems.NotFound("credential", name);

    // Shorter values would turn up in any text by chance, and could not be kept out of it.
    const int ShortestSecret = 4;

    static Errors Validate(NewCredential credential)
    {
        var errors = new Errors();
        errors.AddFault("name", Names.Fault(credential.Name));
        errors.Require(credential.Type is not null, "type", $"must be one of: {string.Join(", ", SnakeCase.All<CredentialType>())}");
        errors.Require(credential.Values is { Count: > 0 and <= 64 }, "values", "must be an object with 1 to 64 fields");
        if (errors.Any)
            return errors;
        var (required, allowed) = Fields(credential.Type!.Value);
        foreach (var field in required.Where(field => !credential.Values!.ContainsKey(field)))
            errors.Add($"values.{field}", $"A credential of type {credential.Type.Value.Word()} needs {field}.");
        foreach (var (field, value) in credential.Values!)
        {
            if (allowed is null)
            {
                CheckVariable($"values.{field}", field, value, errors);
                continue;
            }
            errors.Require(allowed.Contains(field), $"values.{field}", $"is no field of type {credential.Type.Value.Word()}; known: {string.Join(", ", allowed)}");
            if (CheckValue($"values.{field}", value, Credential.PlainFields.Contains(field) ? 1 : ShortestSecret, errors))
                errors.AddFault($"values.{field}", FormFault(credential.Type.Value, field, value));
        }
        return errors;
    }

    static string? FormFault(CredentialType type, string field, string value) => field switch
    {
        "username" => PlainForm().IsMatch(value) ? null : "must be letters, digits, dots, dashes, underscores, @ or \\, and not begin with a dash",
        // Ansible takes it as vault_id@file.
        "vault_id" => PlainForm().IsMatch(value) && !value.Contains('@') ? null : "must be letters, digits, dots, dashes, underscores or \\, and not begin with a dash",
        // git and ssh take one line. A file of Ansible Vault's password may have several.
        "password" when type == CredentialType.Password => value.AsSpan().IndexOfAny('\r', '\n') < 0 ? null : "must not contain a line break, also not at its end",
        _ => null,
    };

    /// <summary>Whether a variable of a playbook can have this name and secret value.</summary>
    public static void CheckVariable(string field, string name, string? value, Errors errors)
    {
        CheckValue(field, value, ShortestSecret, errors);
        errors.Require(VariableForm().IsMatch(name), field, "is no name for an Ansible variable");
    }

    static bool CheckValue(string field, string? value, int shortest, Errors errors)
    {
        // Nullability of a dictionary's values is not checked by the serializer.
        errors.Require(value is not null, field, "must be a string, not null");
        errors.Require(value is null || (value.Trim().Length >= shortest && value.Length <= 64 * 1024), field, $"must be {shortest} to 65,536 characters long");
        errors.Require(value is null || !value.Contains('\0'), field, "must not contain a NUL character");
        return value is not null;
    }

    static (string[] Required, string[]? Allowed) Fields(CredentialType type) => type switch
    {
        CredentialType.SshKey => (["private_key"], ["private_key", "username"]),
        CredentialType.Password => (["password"], ["password", "username"]),
        CredentialType.VaultPassword => (["password"], ["password", "vault_id"]),
        _ => ([], null),
    };

    [GeneratedRegex(@"^[A-Za-z0-9_.@\\][A-Za-z0-9_.@\\-]{0,127}\z")]
    private static partial Regex PlainForm();

    [GeneratedRegex(@"^[A-Za-z_][A-Za-z0-9_]{0,127}\z")]
    private static partial Regex VariableForm();
}

using System.Security.Claims;
using System.Text.RegularExpressions;
using AspireJobs.Api.Http;
using AspireJobs.Jobs.ApiKeys;
using AspireJobs.Jobs.Credentials;
using AspireJobs.Jobs.Webhooks;
using Microsoft.AspNetCore.Http.HttpResults;

namespace AspireJobs.Api.ApiKeys;

/// <summary>A key to make.</summary>
sealed record NewApiKey
{
    /// <summary>How the key is called in jobs and logs.</summary>
    public string? Name { get; init; }
}

/// <summary>A key just made; the key itself is shown this once.</summary>
sealed record CreatedApiKey(string Name, string Key, string WebhookSecret, DateTimeOffset CreatedAt);

/// <summary>What callers may see of a key.</summary>
sealed record ApiKeyInfo(string Name, DateTimeOffset CreatedAt);

/// <summary>The secret that signs callbacks of the calling key's jobs.</summary>
sealed record WebhookSecretInfo(string Secret);

static partial class ApiKeysApi
{
    public static void MapApiKeys(this IEndpointRouteBuilder api)
    {
        var keys = api.MapGroup("/api-keys").RequireAuthorization(policy => policy.RequireUserName(ApiKeyStore.Admin));
        keys.MapPost("", CreateAsync);
        keys.MapGet("", ListAsync);
        keys.MapDelete("/{name}", DeleteAsync);
        api.MapGet("/webhook-secret", GetWebhookSecret);
    }

    static async Task<Results<Created<CreatedApiKey>, ProblemHttpResult>> CreateAsync(
        Body<NewApiKey> body, ApiKeyStore keys, MasterKey masterKey, CancellationToken cancellationToken)
    {
        if (body.Value.Name is not { } name || !NameForm().IsMatch(name))
            return Problems.Invalid("name", "name must be 1 to 63 letters, digits, dots, dashes or underscores, and begin with a letter or digit.");
        var key = ApiKeyStore.Generate();
        return await keys.CreateAsync(name, key, cancellationToken) is { } created
            ? TypedResults.Created($"/api/v1/api-keys/{name}", new CreatedApiKey(name, key, WebhookSecret.Text(masterKey, created.Id), created.CreatedAt))
            : Problems.Conflict("name-taken", $"There is an API key '{name}' already.");
    }

    static async Task<Ok<Page<ApiKeyInfo>>> ListAsync(ApiKeyStore keys, CancellationToken cancellationToken) =>
        TypedResults.Ok(new Page<ApiKeyInfo>((await keys.ListAsync(cancellationToken)).ConvertAll(key => new ApiKeyInfo(key.Name, key.CreatedAt))));

    static async Task<Results<NoContent, ProblemHttpResult>> DeleteAsync(string name, ApiKeyStore keys, CancellationToken cancellationToken) =>
        name == ApiKeyStore.Admin ? Problems.Conflict("key-of-the-operator", $"The key '{name}' is set at deployment and cannot be deleted here.")
        : await keys.DeleteAsync(name, cancellationToken) ? TypedResults.NoContent() : Problems.NotFound("API key", name);

    static Ok<WebhookSecretInfo> GetWebhookSecret(ClaimsPrincipal user, MasterKey masterKey) =>
        TypedResults.Ok(new WebhookSecretInfo(WebhookSecret.Text(masterKey, user.ApiKeyId())));

    [GeneratedRegex(@"^[A-Za-z0-9][A-Za-z0-9._-]{0,62}\z")]
    internal static partial Regex NameForm();
}

using System.Security.Claims;
using AspireJobs.Api.Http;
using AspireJobs.Jobs;
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

    /// <summary>1 to 10,000: how many of its jobs may run at once; no limit when absent.</summary>
    public int? MaxRunning { get; init; }
}

/// <summary>A change of a key.</summary>
sealed record ApiKeyChange
{
    bool _hasMaxRunning;

    /// <summary>1 to 10,000, or null for no limit. Required, as nothing else can be changed.</summary>
    public int? MaxRunning
    {
        get;
        set => (field, _hasMaxRunning) = (value, true);
    }

    public bool HasMaxRunning() => _hasMaxRunning;
}

/// <summary>A key just made; the key itself is shown this once.</summary>
sealed record CreatedApiKey(string Name, string Key, string WebhookSecret, DateTimeOffset CreatedAt, int? MaxRunning);

/// <summary>What callers may see of a key.</summary>
sealed record ApiKeyInfo(string Name, DateTimeOffset CreatedAt, int? MaxRunning);

/// <summary>The secret that signs callbacks of the calling key's jobs.</summary>
sealed record WebhookSecretInfo(string Secret);

static class ApiKeysApi
{
    public static void MapApiKeys(this IEndpointRouteBuilder api)
    {
        var keys = api.MapGroup("/api-keys").RequireAdmin();
        keys.MapPost("", CreateAsync);
        keys.MapGet("", ListAsync);
        keys.MapPatch("/{name}", ChangeAsync);
        keys.MapDelete("/{name}", DeleteAsync);
        api.MapGet("/webhook-secret", GetWebhookSecret);
    }

    static async Task<Results<Created<CreatedApiKey>, ProblemHttpResult>> CreateAsync(
        Body<NewApiKey> body, ApiKeyStore keys, MasterKey masterKey, CancellationToken cancellationToken)
    {
        var (errors, name, maxRunning) = (new Errors(), body.Value.Name, body.Value.MaxRunning);
        errors.AddFault("name", Names.Fault(name));
        errors.Require(Limits.IsMaxRunning(maxRunning), "max_running", Limits.MaxRunningRule);
        if (errors.Any)
            return Problems.Invalid(errors.ByField);
        var key = ApiKeyStore.Generate();
        return await keys.CreateAsync(name!, key, maxRunning, cancellationToken) is { } created
            ? TypedResults.Created($"/api/v1/api-keys/{name}", new CreatedApiKey(created.Name, key, WebhookSecret.Text(masterKey, created.Id), created.CreatedAt, created.MaxRunning))
            : Problems.Conflict("name-taken", $"There is an API key '{name}' already.");
    }

    static async Task<Results<Ok<ApiKeyInfo>, ProblemHttpResult>> ChangeAsync(
        string name, Body<ApiKeyChange> body, ApiKeyStore keys, JobSignals signals, CancellationToken cancellationToken)
    {
        if (!body.Value.HasMaxRunning())
            return Problems.Invalid("max_running", "max_running is required: a number, or null for no limit.");
        if (!Limits.IsMaxRunning(body.Value.MaxRunning))
            return Problems.Invalid("max_running", $"max_running {Limits.MaxRunningRange}, or null for no limit.");
        if (await keys.LimitAsync(name, body.Value.MaxRunning, cancellationToken) is not { } key)
            return Problems.NotFound("API key", name);
        await signals.ReadyAsync();
        return TypedResults.Ok(Info(key));
    }

    static async Task<Ok<Page<ApiKeyInfo>>> ListAsync(ApiKeyStore keys, CancellationToken cancellationToken) =>
        TypedResults.Ok(new Page<ApiKeyInfo>((await keys.ListAsync(cancellationToken)).ConvertAll(Info)));

    static ApiKeyInfo Info(ApiKey key) => new(key.Name, key.CreatedAt, key.MaxRunning);

    static async Task<Results<NoContent, ProblemHttpResult>> DeleteAsync(string name, ApiKeyStore keys, CancellationToken cancellationToken) =>
        name == ApiKeyStore.Admin ? Problems.Conflict("key-of-the-operator", $"The key '{name}' is set at deployment and cannot be deleted here.")
        : await keys.DeleteAsync(name, cancellationToken) ? TypedResults.NoContent() : Problems.NotFound("API key", name);

    static Ok<WebhookSecretInfo> GetWebhookSecret(ClaimsPrincipal user, MasterKey masterKey) =>
        TypedResults.Ok(new WebhookSecretInfo(WebhookSecret.Text(masterKey, user.ApiKeyId())));
}

using System.Runtime.CompilerServices;
using System.Security.Claims;
using System.Text.Encodings.Web;
using AspireJobs.Jobs.ApiKeys;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Authorization.Policy;
using Microsoft.Extensions.Options;

namespace AspireJobs.Api.Http;

/// <summary>API keys, sent as <c>Authorization: Bearer KEY</c> or as <c>X-API-Key: KEY</c>.</summary>
sealed class ApiKeyAuthentication(IOptionsMonitor<AuthenticationSchemeOptions> options, ILoggerFactory logger, UrlEncoder encoder, ApiKeyStore keys)
    : AuthenticationHandler<AuthenticationSchemeOptions>(options, logger, encoder)
{
    public const string SchemeName = "ApiKey";
    const string Bearer = "Bearer ";

    // As long as the store remembers the key.
    static readonly ConditionalWeakTable<ApiKey, AuthenticateResult> Callers = [];

    protected override async Task<AuthenticateResult> HandleAuthenticateAsync()
    {
        // What is open to all, such as the probes, does not need the store.
        if (Key() is not { Length: > 0 } key || Context.GetEndpoint()?.Metadata.GetMetadata<IAllowAnonymous>() is not null)
            return AuthenticateResult.NoResult();
        if (await keys.FindAsync(key, Context.RequestAborted) is not { } owner)
            return AuthenticateResult.Fail("unknown key");
        return Callers.GetValue(owner, Caller);
    }

    static AuthenticateResult Caller(ApiKey owner)
    {
        var identity = new ClaimsIdentity([new Claim(ClaimTypes.NameIdentifier, owner.Id.ToString()), new Claim(ClaimTypes.Name, owner.Name)], SchemeName);
        return AuthenticateResult.Success(new AuthenticationTicket(new ClaimsPrincipal(identity), SchemeName));
    }

    protected override async Task HandleChallengeAsync(AuthenticationProperties properties)
    {
        Response.Headers.WWWAuthenticate = "Bearer";
        var (type, title) = Key() is { Length: > 0 }
            ? ("wrong-key", "The API key is not known.")
            : ("no-key", "Send an API key, as 'Authorization: Bearer KEY' or 'X-API-Key: KEY'.");
        await Problems.Create(StatusCodes.Status401Unauthorized, type, title).ExecuteAsync(Context);
    }

    protected override Task HandleForbiddenAsync(AuthenticationProperties properties) =>
        Problems.Create(StatusCodes.Status403Forbidden, "not-allowed", "This API key may not do that.").ExecuteAsync(Context);

    string? Key()
    {
        var authorization = Request.Headers.Authorization.ToString();
        return authorization.StartsWith(Bearer, StringComparison.OrdinalIgnoreCase)
            ? authorization[Bearer.Length..].Trim()
            : Request.Headers["X-API-Key"].ToString();
    }
}

/// <summary>Registration of API keys, and the caller that they name.</summary>
static class ApiKeyAuthenticationExtensions
{
    /// <summary>Only the core of authentication: the full package brings data protection, whose key files nothing here needs.</summary>
    public static void AddApiKeyAuthentication(this IServiceCollection services)
    {
        services.AddWebEncoders();
        services.AddAuthenticationCore(authentication =>
        {
            authentication.DefaultScheme = ApiKeyAuthentication.SchemeName;
            authentication.AddScheme<ApiKeyAuthentication>(ApiKeyAuthentication.SchemeName, null);
        });
        services.AddTransient<ApiKeyAuthentication>();
        // Without state, as are the handlers that they hold: made anew for each request, as the framework does, they take 2 % of a submission.
        services.AddSingleton<IPolicyEvaluator, PolicyEvaluator>();
        services.AddSingleton<IAuthorizationMiddlewareResultHandler, AuthorizationMiddlewareResultHandler>();
        // It says at Information that a caller without a key was turned away; the answer and the metrics say it too.
        services.AddLogging(logging => logging.AddFilter(typeof(ApiKeyAuthentication).FullName, LogLevel.Warning));
    }

    /// <summary>Only the holder of the operator's key may call.</summary>
    public static TBuilder RequireAdmin<TBuilder>(this TBuilder routes) where TBuilder : IEndpointConventionBuilder =>
        routes.RequireAuthorization(policy => policy.RequireUserName(ApiKeyStore.Admin));

    public static Guid ApiKeyId(this ClaimsPrincipal user) => Guid.Parse(user.FindFirst(ClaimTypes.NameIdentifier)!.Value);

    public static string ApiKeyName(this ClaimsPrincipal user) => user.FindFirst(ClaimTypes.Name)!.Value;
}

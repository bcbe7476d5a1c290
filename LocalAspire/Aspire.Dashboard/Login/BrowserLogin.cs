using System.Security.Cryptography;
using System.Text;

namespace Aspire.Dashboard.Login;

/// <summary>The login of a browser: the token in the address that the start prints, a cookie after it.</summary>
sealed class BrowserLogin(DashboardOptions options)
{
    // Of this process only: a token that was changed by a restart ends all sessions.
    readonly byte[] _key = RandomNumberGenerator.GetBytes(32);

    public string Token { get; } = options.Frontend.BrowserToken is { Length: > 0 } given ? given : Secrets.Create();

    public bool IsRequired => options.Frontend.AuthMode == FrontendAuthMode.BrowserToken;

    public bool IsLoggedIn(HttpContext context) =>
        !IsRequired || Secrets.Matches(context.Request.Cookies[CookieName(context)], SessionValue());

    public bool TryLogIn(HttpContext context, string? token)
    {
        if (!Secrets.Matches(token, Token))
            return false;
        context.Response.Cookies.Append(CookieName(context), SessionValue(), new()
        {
            HttpOnly = true,
            SameSite = SameSiteMode.Lax,
            Secure = context.Request.IsHttps,
            Path = "/",
            MaxAge = TimeSpan.FromDays(3),
        });
        return true;
    }

    // Cookies do not tell ports apart, so two dashboards on one host need two names.
    static string CookieName(HttpContext context) => $".AspireDashboard.{context.Connection.LocalPort}";

    string SessionValue() => Convert.ToHexStringLower(HMACSHA256.HashData(_key, Encoding.UTF8.GetBytes(Token)));
}

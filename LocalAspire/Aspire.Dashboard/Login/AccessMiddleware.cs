namespace Aspire.Dashboard.Login;

/// <summary>Who may have what: each port its own paths, and nothing of the pages without a login.</summary>
sealed class AccessMiddleware(RequestDelegate next, BrowserLogin login, DashboardOptions options)
{
    const string ApiKeyHeader = "X-API-Key";

    public async Task InvokeAsync(HttpContext context)
    {
        if (Listeners.Of(context) != Listener.Frontend)
        {
            await next(context);
            return;
        }

        Harden(context.Response);
        var path = context.Request.Path;
        if (IsForeignWrite(context.Request))
            await Problem(context, StatusCodes.Status403Forbidden, "Another site's request", "Changes are taken from the dashboard's own pages only.");
        else if (Pages.IsPublic(path) || path == "/login" || login.IsLoggedIn(context) || IsApiCaller(context.Request))
            await next(context);
        else if (path.StartsWithSegments("/api"))
            await Problem(context, StatusCodes.Status401Unauthorized, "Not logged in", $"Log in at /login, or send the header {ApiKeyHeader}.");
        else
            context.Response.Redirect($"/login?returnUrl={Uri.EscapeDataString(path + context.Request.QueryString.Value)}");
    }

    bool IsApiCaller(HttpRequest request) =>
        request.Path.StartsWithSegments("/api/telemetry")
        && (options.Api.AuthMode == ApiAuthMode.Unsecured || Secrets.Matches(request.Headers[ApiKeyHeader], options.Api.PrimaryApiKey, options.Api.SecondaryApiKey));

    /// <summary>A cookie comes along with requests that other ports of this host make; browsers say where those come from.</summary>
    static bool IsForeignWrite(HttpRequest request) =>
        !HttpMethods.IsGet(request.Method) && !HttpMethods.IsHead(request.Method)
        && (request.Headers["Sec-Fetch-Site"] is [{ Length: > 0 } site] ? site is not ("same-origin" or "none")
            : request.Headers.Origin is [{ Length: > 0 } origin] && !origin.Equals($"{request.Scheme}://{request.Host}", StringComparison.OrdinalIgnoreCase));

    static void Harden(HttpResponse response)
    {
        response.Headers.ContentSecurityPolicy =
            "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";
        response.Headers.XContentTypeOptions = "nosniff";
        response.Headers["Referrer-Policy"] = "no-referrer";
    }

    static Task Problem(HttpContext context, int status, string title, string detail) => Results.Problem(title: title, detail: detail, statusCode: status).ExecuteAsync(context);
}

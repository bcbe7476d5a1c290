namespace Aspire.Dashboard.Login;

static class LoginEndpoints
{
    public static void MapLogin(this IEndpointRouteBuilder routes)
    {
        routes.MapGet("/login", Show);
        routes.MapPost("/login", LogInAsync);
    }

    /// <summary>With a token in the address the page is not needed.</summary>
    static IResult Show(HttpContext context, BrowserLogin login, Pages pages, string? t, string? returnUrl)
    {
        if (login.IsLoggedIn(context) || (t is not null && login.TryLogIn(context, t)))
            return Results.Redirect(Local(returnUrl));
        return t is null ? pages.File("login.html") : Results.Redirect(Failed(returnUrl));
    }

    static async Task<IResult> LogInAsync(HttpContext context, BrowserLogin login)
    {
        if (!context.Request.HasFormContentType)
            return Results.Problem(title: "Not a form", detail: "Send the field t as a form.", statusCode: StatusCodes.Status415UnsupportedMediaType);
        var form = await context.Request.ReadFormAsync(context.RequestAborted);
        string? returnUrl = form["returnUrl"];
        return Results.Redirect(login.TryLogIn(context, form["t"]) ? Local(returnUrl) : Failed(returnUrl));
    }

    static string Failed(string? returnUrl) => $"/login?error=1&returnUrl={Uri.EscapeDataString(Local(returnUrl))}";

    // "//host" and "/\host" are other hosts to a browser.
    static string Local(string? url) => url is ['/', not ('/' or '\\'), ..] && !url.Any(char.IsControl) ? url : "/";
}

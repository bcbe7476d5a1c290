using Microsoft.AspNetCore.StaticFiles;
using Microsoft.Extensions.FileProviders;

namespace Aspire.Dashboard;

/// <summary>The files of the pages, and the addresses that all show the same shell.</summary>
sealed class Pages(IWebHostEnvironment environment)
{
    static readonly string[] Routes = ["/parameters", "/graph", "/consolelogs", "/structuredlogs", "/traces", "/metrics"];
    static readonly FileExtensionContentTypeProvider Types = new();

    readonly IFileProvider _files = environment.WebRootFileProvider;

    /// <summary>What the login page needs, which is code and no data.</summary>
    public static bool IsPublic(PathString path) => Path.GetExtension(path.Value) is ".js" or ".css" or ".svg" or ".woff2" or ".ico";

    public static bool IsPage(PathString path) => path == "/" || Routes.Any(route => path.StartsWithSegments(route));

    public IResult File(string path)
    {
        if (_files.GetFileInfo(path) is not { Exists: true, PhysicalPath: { } file } info || !Types.TryGetContentType(path, out var type))
            return Results.Problem(title: "Not found", detail: $"There is no page '{path}'.", statusCode: StatusCodes.Status404NotFound);
        // A dashboard that was built again is seen again.
        return Results.File(file, type, lastModified: info.LastModified, entityTag: new($"\"{info.LastModified.UtcTicks:x}-{info.Length:x}\""));
    }

    public IResult Any(HttpContext context)
    {
        context.Response.Headers.CacheControl = "no-cache";
        return File(IsPage(context.Request.Path) ? "index.html" : context.Request.Path.Value!);
    }
}

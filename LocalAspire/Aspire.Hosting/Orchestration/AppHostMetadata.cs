using System.Reflection;

namespace LocalAspire;

sealed record AppHostLocation(string Directory, Assembly? Assembly);

/// <summary>What AppHost.targets wrote into the AppHost's assembly.</summary>
static class AppHostMetadata
{
    public static string? Directory(Assembly? assembly) => Find(assembly, "apphostprojectpath");

    /// <summary>The name of the project file.</summary>
    public static string? FileName(Assembly? assembly) => Find(assembly, "apphostprojectname");

    /// <summary>Where the build put the assembly of a project; null when the AppHost's build does not include it.</summary>
    public static string? Output(Assembly? assembly, string projectPath) => Find(assembly, $"localaspire:output:{projectPath}");

    /// <summary>Where the build put the dashboard.</summary>
    public static string? Dashboard(Assembly? assembly) => Find(assembly, "aspiredashboardpath");

    static string? Find(Assembly? assembly, string key) => assembly?.GetCustomAttributes<AssemblyMetadataAttribute>()
        .FirstOrDefault(a => string.Equals(a.Key, key, StringComparison.OrdinalIgnoreCase))?.Value;
}

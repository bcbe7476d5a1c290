using System.Runtime.InteropServices;

namespace LocalAspire;

/// <summary>The .NET that this process runs on.</summary>
static class DotNet
{
    // {root}/shared/Microsoft.NETCore.App/{version}/
    public static string Root { get; } = Path.GetFullPath(Path.Combine(RuntimeEnvironment.GetRuntimeDirectory(), "..", "..", ".."));

    public static string Command { get; } = Path.Combine(Root, "dotnet");
}

namespace AspireJobs.Tests.Infrastructure;

/// <summary>Files of this repository.</summary>
static class Repository
{
    public static readonly string Root = Find(AppContext.BaseDirectory);

    public static string Path(string relative) => System.IO.Path.Combine(Root, relative);

    /// <summary>What the build of these tests' configuration made of a service: the copy beside the tests is never the native one.</summary>
    public static string Program(string service) =>
        System.IO.Path.Combine(Root, service, System.IO.Path.GetRelativePath(Path("Tests"), AppContext.BaseDirectory), service);

    static string Find(string directory) =>
        File.Exists(System.IO.Path.Combine(directory, "AspireJobs.sln")) ? directory
        : Find(System.IO.Path.GetDirectoryName(directory) ?? throw new DirectoryNotFoundException("AspireJobs.sln is in no folder above the tests"));
}

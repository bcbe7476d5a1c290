namespace AspireJobs.Tests.Infrastructure;

/// <summary>Files of this repository.</summary>
static class Repository
{
    public static readonly string Root = Find(AppContext.BaseDirectory);

    public static string Path(string relative) => System.IO.Path.Combine(Root, relative);

    static string Find(string directory) =>
        File.Exists(System.IO.Path.Combine(directory, "AspireJobs.sln")) ? directory
        : Find(System.IO.Path.GetDirectoryName(directory) ?? throw new DirectoryNotFoundException("AspireJobs.sln is in no folder above the tests"));
}

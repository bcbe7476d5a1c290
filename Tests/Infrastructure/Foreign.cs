namespace AspireJobs.Tests.Infrastructure;

/// <summary>Other people's libraries, from npm: what they send we must understand, and what we send they must.</summary>
static class Foreign
{
    static readonly string Folder = Repository.Path("Tests/Foreign");
    static readonly Lazy<Task> Installed = new(InstallAsync);

    /// <summary>Runs a script of Tests/Foreign, which must end with 0, and returns what it prints.</summary>
    public static async Task<string> RunAsync(string script, string[] arguments, string? input = null)
    {
        await Installed.Value;
        return await Checker.AcceptsAsync("node", "nodejs", [Path.Combine(Folder, script), .. arguments], input);
    }

    static async Task InstallAsync()
    {
        // npm writes the first when it has installed what the second names.
        if (File.GetLastWriteTimeUtc(Path.Combine(Folder, "node_modules/.package-lock.json")) < File.GetLastWriteTimeUtc(Path.Combine(Folder, "package-lock.json")))
            await Checker.AcceptsAsync("npm", "npm", ["ci", "--prefix", Folder, "--ignore-scripts", "--no-audit", "--no-fund"]);
    }
}

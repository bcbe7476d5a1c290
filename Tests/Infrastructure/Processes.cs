namespace AspireJobs.Tests.Infrastructure;

/// <summary>Processes of this machine, as /proc shows them.</summary>
static class Processes
{
    /// <summary>Ids of living processes that have this text in their arguments.</summary>
    public static List<int> WithArgument(string text) => [.. All().Where(id => Describe(id).Contains(text, StringComparison.Ordinal))];

    /// <summary>Ids of living processes that have this variable, <c>NAME=value</c>, in their environment.</summary>
    public static List<int> WithEnvironment(string variable) => [.. All().Where(id => Read(id, "environ").Split('\0').Contains(variable))];

    /// <summary>Ids of living processes that have this text in their environment.</summary>
    public static List<int> WithEnvironmentText(string text) => [.. All().Where(id => Read(id, "environ").Contains(text, StringComparison.Ordinal))];

    /// <summary>Arguments and environment of every living process.</summary>
    public static List<string> Everything() => [.. All().Select(id => $"{Describe(id)}\n{Read(id, "environ")}")];

    /// <summary>The process's arguments.</summary>
    public static string Describe(int id) => Read(id, "cmdline").Replace('\0', ' ');

    static IEnumerable<int> All() =>
        Directory.EnumerateDirectories("/proc").Select(directory => int.TryParse(Path.GetFileName(directory), out var id) ? id : 0).Where(id => id > 0);

    static string Read(int id, string file)
    {
        try
        {
            return File.ReadAllText($"/proc/{id}/{file}");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // It has ended meanwhile, or belongs to somebody else.
            return "";
        }
    }
}

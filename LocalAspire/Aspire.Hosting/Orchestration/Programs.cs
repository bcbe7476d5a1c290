using Aspire.Hosting.ApplicationModel;

namespace LocalAspire;

static class Programs
{
    /// <summary>Looks a program up on PATH, and then where administrators' programs are.</summary>
    public static string? Find(string name) =>
        (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries)
            .Concat(["/usr/local/sbin", "/usr/sbin", "/sbin"])
            .Select(directory => Path.Combine(directory, name))
            .FirstOrDefault(File.Exists);

    public static string Require(string name, string source) => Find(name)
        ?? throw new UnableToStartException($"the program '{name}' was not found on PATH. It comes with {source}.");
}

/// <summary>A program that the resource needs on this machine.</summary>
sealed record ProgramAnnotation(string Command, string? HelpLink) : IResourceAnnotation
{
    public bool IsInstalled => Command.Contains(Path.DirectorySeparatorChar, StringComparison.Ordinal) ? File.Exists(Command) : Programs.Find(Command) is not null;
}

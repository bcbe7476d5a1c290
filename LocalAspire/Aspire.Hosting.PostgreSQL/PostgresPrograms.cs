using System.Globalization;

namespace LocalAspire;

/// <summary>Where the programs of PostgreSQL are. Debian keeps them off PATH, one directory for each major version.</summary>
static class PostgresPrograms
{
    const string Debian = "/usr/lib/postgresql";

    /// <returns>The directory of the version that wrote the data, or of the newest one for new data.</returns>
    public static string Find(string resource, string pgdata)
    {
        var installed = Installed();
        if (installed.Count == 0)
        {
            throw new UnableToStartException(
                $"the resource '{resource}' needs 'postgres' and 'initdb', which were found neither on PATH nor under {Debian}. Install them: apt-get install postgresql");
        }
        var versionFile = Path.Combine(pgdata, "PG_VERSION");
        if (!File.Exists(versionFile))
            return installed[0].Directory;

        var version = File.ReadAllText(versionFile).Trim();
        var match = installed.Find(i => i.Version is null || i.Version == version);
        return match.Directory ?? throw new UnableToStartException(
            $"the data of the resource '{resource}' in '{pgdata}' needs PostgreSQL {version}. Install it: apt-get install postgresql-{version}");
    }

    /// <summary>Newest first; those on PATH, whose version is not known, last.</summary>
    static List<(string? Version, string Directory)> Installed()
    {
        var found = new List<(string?, string)>();
        if (Directory.Exists(Debian))
        {
            found.AddRange(Directory.GetDirectories(Debian)
                .Select(directory => (Version: Path.GetFileName(directory), Directory: Path.Combine(directory, "bin")))
                .Where(candidate => IsComplete(candidate.Directory))
                .OrderByDescending(candidate => decimal.TryParse(candidate.Version, CultureInfo.InvariantCulture, out var number) ? number : 0)
                .Select(candidate => ((string?)candidate.Version, candidate.Directory)));
        }
        if (Programs.Find("postgres") is { } onPath)
        {
            var directory = Path.GetDirectoryName(File.ResolveLinkTarget(onPath, returnFinalTarget: true)?.FullName ?? onPath)!;
            if (IsComplete(directory) && !found.Exists(f => f.Item2 == directory))
                found.Add((null, directory));
        }
        return found;
    }

    static bool IsComplete(string directory) => File.Exists(Path.Combine(directory, "postgres")) && File.Exists(Path.Combine(directory, "initdb"));
}

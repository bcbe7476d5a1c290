namespace AspireJobs.Worker;

/// <summary>A job's directory.</summary>
internal sealed class JobDirectory(string path, ILogger logger) : IDisposable
{
    /// <summary>For the fetched source.</summary>
    public string Source { get; } = Directory.CreateDirectory(Path.Combine(path, "source"), PrivateDirectory.Mode).FullName;

    /// <summary>For what fetching needs: keys, tokens. Whoever needs it makes it.</summary>
    public string Fetch => Path.Combine(path, "fetch");

    /// <summary>For what the run needs. Whoever needs it makes it.</summary>
    public string Run => Path.Combine(path, "run");

    public void Dispose() => PrivateDirectory.Remove(path, logger);
}

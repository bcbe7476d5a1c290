namespace AspireJobs.Worker;

/// <summary>A job's directory.</summary>
internal sealed class JobDirectory(string path, ILogger logger) : IDisposable
{
    /// <summary>For the fetched source.</summary>
    public string Source { get; } = Directory.CreateDirectory(Path.Combine(path, "source"), PrivateDirectory.Mode).FullName;

    /// <summary>For what fetching needs: keys, tokens.</summary>
    public string Fetch { get; } = Directory.CreateDirectory(Path.Combine(path, "fetch"), PrivateDirectory.Mode).FullName;

    /// <summary>For what the run needs.</summary>
    public string Run { get; } = Directory.CreateDirectory(Path.Combine(path, "run"), PrivateDirectory.Mode).FullName;

    public void Dispose() => PrivateDirectory.Remove(path, logger);
}

namespace AspireJobs.Worker;

/// <summary>A job's place on the disk. Nothing is there yet: whoever needs one of the directories makes it. All of it goes with the disposal.</summary>
internal sealed class JobDirectory(string path, ILogger logger) : IDisposable
{
    /// <summary>For the source.</summary>
    public string Source => Path.Combine(path, "source");

    /// <summary>For what fetching needs: keys, tokens.</summary>
    public string Fetch => Path.Combine(path, "fetch");

    /// <summary>For what the run needs.</summary>
    public string Run => Path.Combine(path, "run");

    public void Dispose()
    {
        if (Directory.Exists(path))
            PrivateDirectory.Remove(path, logger);
    }
}

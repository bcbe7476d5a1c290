using Microsoft.Extensions.Options;

namespace AspireJobs.Worker;

/// <summary>
/// This process's directory, mode 0700, and in it one for each job that needs one. A lock on a file in it, which the system drops with the process
/// however that ends, says that the owner lives; directories whose owner is dead are removed when a worker starts.
/// </summary>
internal sealed class PrivateDirectory : IDisposable
{
    // Short: below it lie the sockets of ssh, whose paths may have 108 characters.
    const string Prefix = "aspirejobs-";
    const string LockName = "owner";
    internal const UnixFileMode Mode = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;

    static readonly EnumerationOptions WithoutLinks = new() { RecurseSubdirectories = true, AttributesToSkip = FileAttributes.ReparsePoint, IgnoreInaccessible = false };

    readonly string _path;
    readonly FileStream _lock;
    readonly ILogger _logger;
    int _count;

    public PrivateDirectory(WorkerId worker, IOptions<WorkerOptions> options, ILogger<PrivateDirectory> logger)
    {
        _logger = logger;
        var parent = Directory.CreateDirectory(options.Value.WorkDirectory).FullName;
        RemoveLeftovers(parent);

        // Locked before it gets the name by which others would look at the lock.
        var suffix = worker.Value[^8..];
        var unnamed = Path.Combine(parent, $".{Prefix}{suffix}");
        _path = Path.Combine(parent, Prefix + suffix);
        Directory.CreateDirectory(unnamed, Mode);
        _lock = new FileStream(Path.Combine(unnamed, LockName), FileMode.CreateNew, FileAccess.ReadWrite, FileShare.None);
        Directory.Move(unnamed, _path);
    }

    public override string ToString() => _path;

    /// <summary>A place for a job, in which there is nothing.</summary>
    public JobDirectory ForJob() =>
        new(Path.Combine(_path, Interlocked.Increment(ref _count).ToString(System.Globalization.CultureInfo.InvariantCulture)), _logger);

    void RemoveLeftovers(string parent)
    {
        foreach (var directory in Directory.EnumerateDirectories(parent, Prefix + "*"))
        {
            try
            {
                using (new FileStream(Path.Combine(directory, LockName), FileMode.Open, FileAccess.ReadWrite, FileShare.None))
                    Remove(directory, _logger);
                _logger.LeftoverRemoved(directory);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                // Its owner lives, or another worker is removing it, or it belongs to another user.
            }
        }
    }

    internal static void Remove(string directory, ILogger logger)
    {
        try
        {
            try
            {
                Directory.Delete(directory, recursive: true);
            }
            catch (UnauthorizedAccessException)
            {
                // A playbook may have made directories that not even their owner may change.
                foreach (var locked in Directory.EnumerateDirectories(directory, "*", WithoutLinks))
                    File.SetUnixFileMode(locked, Mode);
                Directory.Delete(directory, recursive: true);
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            logger.RemovalFailed(directory, e.Message);
        }
    }

    public void Dispose()
    {
        _lock.Dispose();
        Remove(_path, _logger);
    }
}

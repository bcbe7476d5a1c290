using System.ComponentModel;
using System.Diagnostics;
using AspireJobs.Jobs;
using Microsoft.Extensions.Options;

namespace AspireJobs.Worker;

/// <summary>
/// This process's directory, mode 0700, and in it one for each job that needs one. A lock on a file in it, which the system drops with the process
/// however that ends, says that the owner lives; directories whose owner is dead are removed when a worker starts.
/// </summary>
internal sealed class PrivateDirectory : IDisposable
{
    /// <summary>How often it is looked whether the directory can be written.</summary>
    static readonly TimeSpan LookEvery = TimeSpan.FromSeconds(1);

    // As much as a playbook of a few modules writes.
    static readonly byte[] Sample = new byte[1 << 20];

    // Of what the runtime cannot remove.
    static readonly TimeSpan LongestRemoval = TimeSpan.FromMinutes(1);

    // "No space left on device" and "Disk quota exceeded".
    const int NoSpace = 28;
    const int OverQuota = 122;

    // Short: below it lie the sockets of ssh, whose paths may have 108 characters.
    const string Prefix = "aspirejobs-";
    const string LockName = "owner";
    internal const UnixFileMode Mode = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;

    static readonly EnumerationOptions WithoutLinks = new() { RecurseSubdirectories = true, AttributesToSkip = FileAttributes.ReparsePoint, IgnoreInaccessible = false };

    readonly string _path;
    readonly FileStream _lock;
    readonly TimeProvider _time;
    readonly ILogger _logger;
    readonly Lock _looking = new();
    long _lookedAt;
    volatile string? _fault;
    int _count;

    public PrivateDirectory(WorkerId worker, IOptions<WorkerOptions> options, TimeProvider time, ILogger<PrivateDirectory> logger)
    {
        (_time, _logger) = (time, logger);
        var parent = Directory.CreateDirectory(options.Value.WorkDirectory).FullName;
        RemoveLeftovers(parent);

        // Locked before it gets the name by which others would look at the lock.
        var suffix = worker.Value[^8..];
        var unnamed = Path.Combine(parent, $".{Prefix}{suffix}");
        _path = Path.Combine(parent, Prefix + suffix);
        Directory.CreateDirectory(unnamed, Mode);
        _lock = new FileStream(Path.Combine(unnamed, LockName), FileMode.CreateNew, FileAccess.ReadWrite, FileShare.None);
        Directory.Move(unnamed, _path);
        Look();
    }

    public override string ToString() => _path;

    /// <summary>A place for a job, in which there is nothing.</summary>
    public JobDirectory ForJob() =>
        new(Path.Combine(_path, Interlocked.Increment(ref _count).ToString(System.Globalization.CultureInfo.InvariantCulture)), _logger);

    /// <summary>Why nothing could be written at the last look; null if something could.</summary>
    public string? Fault => _fault;

    /// <summary>Looks, not more often than <see cref="LookEvery"/>, whether a job could be run here.</summary>
    /// <exception cref="IOException">None could; the message says why.</exception>
    public void EnsureWritable()
    {
        if (_time.GetElapsedTime(Volatile.Read(ref _lookedAt)) >= LookEvery)
            Look();
        if (_fault is { } fault)
            throw new IOException(fault);
    }

    /// <summary>Whether a job failed as there was no room for it, or as nothing can be written at all. Looks at once.</summary>
    public bool IsToBlame(Exception failure)
    {
        if (failure is not (IOException or UnauthorizedAccessException or JobFailedException { Outcome: JobOutcome.SourceFetchFailed }))
            return false;
        Look();
        return _fault is not null || failure is IOException { HResult: NoSpace or OverQuota };
    }

    void Look()
    {
        lock (_looking)
        {
            try
            {
                // Something may clean up where temporary files lie.
                Directory.CreateDirectory(_path, Mode);
                using var sample = new FileStream(Path.Combine(_path, "sample"), FileMode.Create, FileAccess.Write, FileShare.None, bufferSize: 0, FileOptions.DeleteOnClose);
                sample.Write(Sample);
                _fault = null;
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                _fault = $"the work directory cannot be written: {e.Message}";
            }
            Volatile.Write(ref _lookedAt, _time.GetTimestamp());
        }
    }

    void RemoveLeftovers(string parent)
    {
        foreach (var directory in Directory.EnumerateDirectories(parent, Prefix + "*"))
        {
            try
            {
                using (new FileStream(Path.Combine(directory, LockName), FileMode.Open, FileAccess.ReadWrite, FileShare.None))
                    if (Remove(directory, _logger))
                        _logger.LeftoverRemoved(directory);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                // Its owner lives, or another worker is removing it, or it belongs to another user.
            }
        }
    }

    /// <summary>Removes a directory with all that is in it. False, and a line in the log, if something of it stays.</summary>
    internal static bool Remove(string directory, ILogger logger)
    {
        try
        {
            Directory.Delete(directory, recursive: true);
            return true;
        }
        catch (Exception e)
        {
            Unlock(directory);
            if (RemoveByProgram(directory))
                return true;
            logger.RemovalFailed(directory, e.Message);
            return false;
        }
    }

    // A playbook may have made directories that not even their owner may change.
    static void Unlock(string directory)
    {
        try
        {
            foreach (var locked in Directory.EnumerateDirectories(directory, "*", WithoutLinks))
                File.SetUnixFileMode(locked, Mode);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException)
        {
            // It has come to a path that only the program can name.
        }
    }

    // The program also takes names that are not UTF-8 and paths that are longer than the system takes in one piece.
    static bool RemoveByProgram(string directory)
    {
        try
        {
            using var rm = Process.Start(new ProcessStartInfo("rm", ["-rf", "--", directory]) { RedirectStandardError = true })!;
            // Complaints that nobody reads would block it.
            _ = rm.StandardError.BaseStream.CopyToAsync(Stream.Null);
            if (rm.WaitForExit(LongestRemoval))
                return rm.ExitCode == 0;
            rm.Kill();
            return false;
        }
        catch (Exception e) when (e is Win32Exception or InvalidOperationException)
        {
            return false;
        }
    }

    public void Dispose()
    {
        _lock.Dispose();
        Remove(_path, _logger);
    }
}

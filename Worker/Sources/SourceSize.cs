using AspireJobs.Jobs;

namespace AspireJobs.Worker.Sources;

/// <summary>Adds up a source and refuses one that is too large.</summary>
internal sealed class SourceSize(WorkerOptions limits)
{
    long _bytes;
    int _files;

    /// <summary>Counts one file or directory.</summary>
    /// <exception cref="JobFailedException">The source has more than the worker takes.</exception>
    public void Add(long bytes)
    {
        if (++_files > limits.MaxSourceFiles)
            throw new JobFailedException(JobOutcome.SourceFetchFailed, $"the source has more than {limits.MaxSourceFiles} files");
        if ((_bytes += bytes) > limits.MaxSourceBytes)
            throw new JobFailedException(JobOutcome.SourceFetchFailed, $"the source is larger than {limits.MaxSourceBytes} bytes");
    }
}

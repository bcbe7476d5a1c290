using System.Text;
using AspireJobs.Jobs;
using Microsoft.AspNetCore.Http.Features;

namespace AspireJobs.Api.Jobs;

/// <summary>Writes a job's log to a caller, once or for as long as the job runs.</summary>
sealed class JobLog(JobStore jobs, JobOutput output, JobSignals signals, TimeProvider time, IHostApplicationLifetime lifetime)
{
    const int PageSize = 16;

    // Only for a signal that got lost with the connection to Redis.
    static readonly TimeSpan LongestSilence = TimeSpan.FromSeconds(5);

    public Task WriteAsync(JobId id, Stream body, CancellationToken cancellationToken) => WriteAfterAsync(id, 0, body, cancellationToken);

    /// <summary>Ends when the job is final and everything is written, or when the caller or this process goes.</summary>
    public async Task FollowAsync(JobId id, Stream body, HttpContext context)
    {
        // The time a stream is open is no latency.
        if (context.Features.Get<IHttpMetricsTagsFeature>() is { } metrics)
            metrics.MetricsDisabled = true;
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted, lifetime.ApplicationStopping);
        using var signal = new Signal(time);
        await using var subscription = await signals.OnOutputAsync(id, signal.Set);
        try
        {
            var written = 0;
            while (true)
            {
                // The status is read first: output is stored no later than the final status, so nothing comes after it.
                var final = await jobs.FindStatusAsync(id, ended.Token) is not { } status || status.IsFinal();
                written = await WriteAfterAsync(id, written, body, ended.Token);
                if (final)
                    return;
                await signal.WaitAsync(LongestSilence, ended.Token);
            }
        }
        catch (OperationCanceledException) when (ended.IsCancellationRequested)
        {
            // The caller has enough, or the process stops.
        }
    }

    async Task<int> WriteAfterAsync(JobId id, int after, Stream body, CancellationToken cancellationToken)
    {
        List<LogPiece> pieces;
        do
        {
            pieces = await output.LogAsync(id, after, PageSize, cancellationToken);
            foreach (var piece in pieces)
                await body.WriteAsync(Encoding.UTF8.GetBytes(piece.Text), cancellationToken);
            await body.FlushAsync(cancellationToken);
            after = pieces is [.., var last] ? last.Seq : after;
        }
        while (pieces.Count == PageSize);
        return after;
    }
}

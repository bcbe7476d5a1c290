using System.Text;
using AspireJobs.Jobs;
using Microsoft.AspNetCore.Http.Features;
using OpenTelemetry;

namespace AspireJobs.Api.Jobs;

/// <summary>Writes a job's log to a caller, once or for as long as the job runs.</summary>
sealed class JobLog(JobStore jobs, JobOutput output, JobSignals signals, TimeProvider time, IHostApplicationLifetime lifetime)
{
    const int PageSize = 16;

    // Only for a signal that got lost with the connection to Redis.
    static readonly TimeSpan LongestSilence = TimeSpan.FromSeconds(5);

    /// <summary>Writes what there is of a job's log, or of an attempt's.</summary>
    public async Task WriteAsync(JobId id, int? attempt, Stream body, HttpContext context)
    {
        await WriteAfterAsync(id, attempt, 0, body, context.RequestAborted);
        await EndAsync(id, context);
    }

    /// <summary>Ends when the job, or the attempt, has ended and everything is written, or when the caller goes. When this process goes the connection breaks.</summary>
    public async Task FollowAsync(JobId id, int? attempt, Stream body, HttpContext context)
    {
        // The time a stream is open is no latency.
        if (context.Features.Get<IHttpMetricsTagsFeature>() is { } metrics)
            metrics.MetricsDisabled = true;
        // Looks at the store for as long as the job runs, several a second, would fill its caller's trace.
        using var untraced = SuppressInstrumentationScope.Begin();
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted, lifetime.ApplicationStopping);
        using var signal = new Signal(time);
        await using var subscription = await signals.OnOutputAsync(id, signal.Set);
        try
        {
            var written = 0;
            while (true)
            {
                // Read first: output is stored no later than the end, so nothing comes after it.
                var progress = await jobs.FindProgressAsync(id, ended.Token);
                written = await WriteAfterAsync(id, attempt, written, body, ended.Token);
                if (progress is null || progress.HasEnded(attempt))
                    break;
                await signal.WaitAsync(LongestSilence, ended.Token);
            }
            await EndAsync(id, context);
        }
        catch (OperationCanceledException) when (ended.IsCancellationRequested)
        {
            // The caller has enough; or the process stops, and the job goes on.
            context.Abort();
        }
    }

    // A log that was removed while it was read must not pass for a whole one.
    async Task EndAsync(JobId id, HttpContext context)
    {
        if (await jobs.FindProgressAsync(id, context.RequestAborted) is null)
            context.Abort();
    }

    async Task<int> WriteAfterAsync(JobId id, int? attempt, int after, Stream body, CancellationToken cancellationToken)
    {
        List<LogPiece> pieces;
        do
        {
            pieces = await output.LogAsync(id, attempt, after, PageSize, cancellationToken);
            foreach (var piece in pieces)
                await body.WriteAsync(Encoding.UTF8.GetBytes(piece.Text), cancellationToken);
            await body.FlushAsync(cancellationToken);
            after = pieces is [.., var last] ? last.Seq : after;
        }
        while (pieces.Count == PageSize);
        return after;
    }
}

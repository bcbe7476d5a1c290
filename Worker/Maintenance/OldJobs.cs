using AspireJobs.Jobs;
using Microsoft.Extensions.Options;

namespace AspireJobs.Worker.Maintenance;

/// <summary>Removes jobs whose time is over, and makes the tables of the days to come.</summary>
internal sealed class OldJobs(JobRetention retention, IOptions<RetentionOptions> options, TimeProvider time, ILogger<OldJobs> logger) : IDuty
{
    static readonly TimeSpan Usually = TimeSpan.FromMinutes(10);

    // After somebody's long reading was in the way.
    static readonly TimeSpan AfterFailure = TimeSpan.FromSeconds(10);

    // What is left to remove of what was found: to look for it may take longer than a turn.
    RemovableJobs? _found;

    public string Name => "removing old jobs";

    public TimeSpan Every { get; private set; }

    public async Task DoAsync(CancellationToken cancellationToken)
    {
        Every = AfterFailure;
        var kept = options.Value.Kept;
        await retention.AddDaysAsync(kept, cancellationToken);
        Every = await RemoveAsync(kept, cancellationToken) ? Usually : TimeSpan.Zero;
    }

    /// <summary>Removes what it can in its turn. False: there is more.</summary>
    async Task<bool> RemoveAsync(KeptJobs kept, CancellationToken cancellationToken)
    {
        var found = _found ??= await retention.FindAsync(kept, cancellationToken);
        var began = time.GetTimestamp();
        var removed = 0;
        try
        {
            foreach (var (_, jobs) in found.Days)
                if (!await RemoveRangeAsync(jobs, output: false))
                    return false;
            foreach (var jobs in found.Ranges)
                if (!await RemoveRangeAsync(jobs, output: true))
                    return false;
        }
        finally
        {
            if (removed > 0)
                logger.JobsRemoved(removed);
        }
        // Before what may fail for as long as somebody reads: other jobs' time may be over by then.
        _found = null;
        foreach (var (day, jobs) in found.Days)
        {
            await retention.DropDayAsync(day, jobs, cancellationToken);
            logger.DayDropped(day.ToString("O"));
        }
        return true;

        async Task<bool> RemoveRangeAsync(JobRange jobs, bool output)
        {
            int count;
            do
            {
                if (time.GetElapsedTime(began) > IDuty.LongestTurn)
                    return false;
                removed += count = await retention.RemoveAsync(kept, found.OldestKept, jobs, output, cancellationToken);
            }
            while (count > 0);
            return true;
        }
    }
}

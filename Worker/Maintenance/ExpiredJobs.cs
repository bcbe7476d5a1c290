using AspireJobs.Jobs;

namespace AspireJobs.Worker.Maintenance;

/// <summary>Fails jobs that did not start in time.</summary>
internal sealed class ExpiredJobs(JobUpkeep upkeep, JobQueue queue, Settlement settlement) : IDuty
{
    public string Name => "looking for expired jobs";

    public TimeSpan Every => TimeSpan.Zero;

    public async Task DoAsync(CancellationToken cancellationToken)
    {
        var expired = await upkeep.ExpireAsync(cancellationToken);
        queue.Remove(expired.Select(job => job.Id));
        foreach (var job in expired)
            await settlement.AnnounceWithoutRunAsync(job, job.Failure!);
    }
}

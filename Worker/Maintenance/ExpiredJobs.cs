using AspireJobs.Jobs;

namespace AspireJobs.Worker.Maintenance;

/// <summary>Fails jobs that did not start in time.</summary>
internal sealed class ExpiredJobs(JobUpkeep upkeep, Settlement settlement) : IDuty
{
    public string Name => "looking for expired jobs";

    public TimeSpan Every => TimeSpan.Zero;

    public async Task DoAsync(CancellationToken cancellationToken)
    {
        foreach (var job in await upkeep.ExpireAsync(cancellationToken))
            await settlement.AnnounceWithoutRunAsync(job, job.Failure!);
    }
}

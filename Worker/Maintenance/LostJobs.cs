using AspireJobs.Jobs;

namespace AspireJobs.Worker.Maintenance;

/// <summary>Settles the jobs of workers that fell silent.</summary>
internal sealed class LostJobs(JobUpkeep upkeep, Settlement settlement) : IDuty
{
    public string Name => "looking for lost jobs";

    public TimeSpan Every => TimeSpan.FromSeconds(2);

    // A worker that lives has renewed its leases by then, also those that ended while the database was away.
    public TimeSpan After => JobLeases.Renewal;

    public async Task DoAsync(CancellationToken cancellationToken)
    {
        foreach (var job in await upkeep.SettleLostAsync(cancellationToken))
            await settlement.AnnounceWithoutRunAsync(job, job.Failure ?? new(JobOutcome.WorkerLost.Word(), "its worker was not heard of for too long"));
    }
}

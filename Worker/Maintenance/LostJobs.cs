using AspireJobs.Jobs;

namespace AspireJobs.Worker.Maintenance;

/// <summary>Settles the jobs of workers that fell silent.</summary>
internal sealed class LostJobs(JobUpkeep upkeep, Settlement settlement) : IDuty
{
    public string Name => "looking for lost jobs";

    public TimeSpan Every => TimeSpan.FromSeconds(2);

    public async Task DoAsync(CancellationToken cancellationToken)
    {
        foreach (var job in await upkeep.SettleLostAsync(cancellationToken))
            await settlement.AnnounceWithoutRunAsync(job, job.Failure ?? new(JobOutcome.WorkerLost.Word(), "its worker was not heard of for too long"));
    }
}

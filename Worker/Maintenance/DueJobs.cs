using AspireJobs.Jobs;

namespace AspireJobs.Worker.Maintenance;

/// <summary>Puts jobs into line whose time has come: after <c>not_before</c>, or after the backoff of a retry.</summary>
internal sealed class DueJobs(JobUpkeep upkeep, JobSignals signals, TimeProvider time) : IDuty
{
    public string Name => "admitting jobs that are due";

    public TimeSpan Every => TimeSpan.Zero;

    public async Task DoAsync(CancellationToken cancellationToken)
    {
        var began = time.GetTimestamp();
        while (await upkeep.AdmitDueAsync(cancellationToken) > 0)
        {
            await signals.ReadyAsync();
            if (time.GetElapsedTime(began) > IDuty.LongestTurn)
                return;
        }
    }
}

using AspireJobs.Jobs;
using AspireJobs.Jobs.Schedules;

namespace AspireJobs.Worker.Maintenance;

/// <summary>Fires schedules whose time has come.</summary>
internal sealed class DueSchedules(ScheduleFires fires, JobQueue queue, ILogger<DueSchedules> logger) : IDuty
{
    public string Name => "firing schedules";

    public TimeSpan Every => TimeSpan.Zero;

    readonly HashSet<string> _faulty = [];

    public async Task DoAsync(CancellationToken cancellationToken)
    {
        var due = await fires.DueAsync(cancellationToken);
        _faulty.IntersectWith(due);
        foreach (var name in due)
        {
            try
            {
                await FireAsync(name, cancellationToken);
            }
            catch (Exception e) when (!cancellationToken.IsCancellationRequested && !JobsDatabase.MayPass(e))
            {
                // One that cannot be fired must not keep the others from it; it is tried again as long as it is due, and told of once.
                if (_faulty.Add(name))
                    logger.ScheduleFault(e, name);
                await fires.CannotFireAsync(name, cancellationToken);
            }
        }
    }

    async Task FireAsync(string name, CancellationToken cancellationToken)
    {
        using var traced = Traces.Resume();
        using var span = JobsTelemetry.Source.StartActivity("worker.fire_schedule")?.SetTag("schedule.name", name);
        try
        {
            if (await fires.FireAsync(name, cancellationToken) is { } fire)
                Announce(fire);
        }
        catch (Exception e) when (!cancellationToken.IsCancellationRequested)
        {
            span.Fail(e);
            throw;
        }
    }

    void Announce(Fire fire)
    {
        JobsTelemetry.ScheduleFired(fire);
        if (fire.Missed > 0)
            logger.ScheduleMissed(fire.Schedule, fire.At, fire.Missed);
        if (fire.HeldBy is { } running)
            logger.ScheduleSkipped(fire.Schedule, fire.At, running);
        if (fire.Job is not { } job)
            return;
        var source = job.Request.Source!.Type!.Value;
        JobsTelemetry.JobSubmitted(source);
        logger.JobSubmitted(job.Id, source.Word(), job.ApiKeyName, job.Schedule!);
        // Nobody waits for Redis: what else the leader does for all would.
        _ = queue.EnqueueAsync([fire.Entry]);
    }
}

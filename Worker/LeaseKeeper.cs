using System.Reflection;
using AspireJobs.Jobs;
using AspireJobs.Worker.Ansible;
using Microsoft.Extensions.Options;

namespace AspireJobs.Worker;

/// <summary>
/// Keeps the leases of all runs and says that the worker lives, in one statement every <see cref="JobLeases.Renewal"/>. What cannot be
/// renewed ends by itself: every run carries the timer for it (see <see cref="Run.Renewed"/>).
/// </summary>
internal sealed class LeaseKeeper(
    Runs runs, JobLeases leases, JobSignals signals, WorkerId worker, AnsibleVersion ansible, PrivateDirectory directory, IOptions<WorkerOptions> options,
    IHostApplicationLifetime lifetime, TimeProvider time, ILogger<LeaseKeeper> logger)
    : BackgroundService
{
    /// <summary>A renewal that takes longer is given up for the next one.</summary>
    static readonly TimeSpan Patience = JobLeases.Renewal - TimeSpan.FromSeconds(1);

    static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(1);

    static readonly string Version = typeof(LeaseKeeper).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "";

    readonly Outage _outage = new("renewing leases", time, logger);
    readonly Signal _orders = new(time);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var untraced = Traces.Suppress();
        runs.StartedLate += _orders.Set;
        await using var cancels = await signals.OnCancelAsync(Cancel);
        await using var orders = await signals.OnWorkerAsync(worker.Value, _orders.Set);
        // So that the version is seen as soon as it is known.
        ansible.Asked.GetAwaiter().OnCompleted(_orders.Set);
        // So that it is seen at once that this worker takes no more jobs.
        using var stopping = lifetime.ApplicationStopping.Register(_orders.Set);
        try
        {
            while (true)
                await _orders.WaitAsync(await RenewAsync(stoppingToken), stoppingToken);
        }
        finally
        {
            await LeaveAsync();
        }
    }

    /// <summary>
    /// Renews every lease once, stops the runs whose lease is gone or that a caller wants stopped, and says how long to wait for the next time.
    /// </summary>
    internal async Task<TimeSpan> RenewAsync(CancellationToken cancellationToken)
    {
        var held = runs.All;
        var asOf = time.GetTimestamp();
        using var patience = new CancellationTokenSource(Patience, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(patience.Token, cancellationToken);
        try
        {
            var renewal = await leases.RenewAsync(Report(), [.. held.Select(run => run.Lease)], either.Token);
            _outage.Over();
            WorkerTelemetry.Heartbeat(time.GetUtcNow());
            foreach (var run in held)
                Apply(run, renewal.Held.TryGetValue(run.Lease, out var cancel), cancel, asOf);
            Obey(renewal.Draining);
            return JobLeases.Renewal - time.GetElapsedTime(asOf) is { Ticks: > 0 } rest ? rest : TimeSpan.Zero;
        }
        catch (Exception e) when (!cancellationToken.IsCancellationRequested)
        {
            // Playbooks are stopped when it takes too long, so try often.
            return _outage.Failed(e) is var pause && pause < LongestPause ? pause : LongestPause;
        }
    }

    void Apply(Run run, bool renewed, bool cancel, long asOf)
    {
        if (renewed)
            run.Renewed(asOf);
        else if (!run.Settling)
            run.Stop(StopReason.LeaseLost);
        if (cancel)
            run.Stop(StopReason.Cancelled);
    }

    // Only what was last seen of the directory: a disk that hangs must not cost the leases.
    WorkerReport Report() => new(worker.Value, directory.Fault is null ? options.Value.Slots : 0, options.Value.Queues, Version, ansible.Value ?? "", lifetime.ApplicationStopping.IsCancellationRequested);

    void Obey(bool draining)
    {
        if (draining == runs.Draining || lifetime.ApplicationStopping.IsCancellationRequested)
            return;
        runs.Drain(draining);
        if (draining)
            logger.WorkerDraining(worker.Value, runs.All.Count);
        else
            logger.WorkerResumed(worker.Value);
    }

    // The fast path; a signal that gets lost is made up for by the next renewal.
    void Cancel(JobId id)
    {
        foreach (var run in runs.Of(id))
            run.Stop(StopReason.Cancelled);
    }

    public override void Dispose()
    {
        _orders.Dispose();
        base.Dispose();
    }

    // So that nobody waits for this worker's heartbeat.
    async Task LeaveAsync()
    {
        using var patience = new CancellationTokenSource(Patience, time);
        try
        {
            await leases.LeaveAsync(worker.Value, patience.Token);
            logger.WorkerStopped(worker.Value);
        }
        catch (Exception e) when (e is OperationCanceledException || JobsDatabase.MayPass(e))
        {
            _outage.Failed(e);
        }
    }
}

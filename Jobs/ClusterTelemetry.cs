using System.Diagnostics.Metrics;

namespace AspireJobs.Jobs;

/// <summary>Gauges that speak of the whole system, for a process that reads them from the store; the others do not have them.</summary>
public static class ClusterTelemetry
{
    static ClusterStats? _stats;

    static ClusterTelemetry()
    {
        Queues("ansible_api_queue_length", "Jobs waiting for a worker, in the whole system.", queue => queue.Jobs);
        Queues("ansible_api_oldest_queued_job_timestamp_seconds", "Unix time since when the job that waits for a worker longest is ready to start; absent when none waits.", queue => Seconds(queue.OldestAt), "s");
        Queues("ansible_api_queue_paused", "1 while the queue is paused, else 0.", queue => queue.Paused ? 1 : 0);
        Gauge("ansible_api_active_workers", "Workers heard of within the last 15 seconds, in the whole system.", stats => stats.ActiveWorkers);
        Gauge("ansible_api_active_jobs", "Jobs being run, in the whole system.", stats => stats.RunningJobs);
        Gauge("ansible_api_worker_slots", "Jobs that the active workers can run at once, in the whole system.", stats => stats.WorkerSlots);
        Gauge("ansible_api_oldest_running_job_start_timestamp_seconds", "Unix time at which the job that runs longest was started; absent when none runs.",
            stats => Seconds(stats.OldestStartedAt), "s");
        Gauge("ansible_api_last_missed_fire_timestamp_seconds", "Unix time at which a schedule was last found to have missed times; absent when none was.",
            stats => Seconds(stats.LastMissedAt), "s");
    }

    /// <summary>Sets the gauges; null takes them off the page, as an old number would lie.</summary>
    public static void Set(ClusterStats? stats) => Volatile.Write(ref _stats, stats);

    static void Gauge(string name, string description, Func<ClusterStats, double?> value, string? unit = null) =>
        Observe(name, unit, description, stats => value(stats) is { } number ? [new(number)] : []);

    static void Queues(string name, string description, Func<QueueStats, double?> value, string? unit = null) =>
        Observe(name, unit, description, stats => stats.Queues.Where(queue => value(queue) is not null)
            .Select(queue => new Measurement<double>(value(queue)!.Value, new KeyValuePair<string, object?>("queue_name", queue.Name))));

    static void Observe(string name, string? unit, string description, Func<ClusterStats, IEnumerable<Measurement<double>>> values) =>
        JobsTelemetry.Meter.CreateObservableGauge(name, () => Volatile.Read(ref _stats) is { } stats ? values(stats) : [], unit, description);

    static double? Seconds(DateTimeOffset? time) => time?.ToUnixTimeMilliseconds() / 1000.0;
}

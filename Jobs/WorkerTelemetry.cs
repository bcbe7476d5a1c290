namespace AspireJobs.Jobs;

/// <summary>Gauges of one worker.</summary>
public static class WorkerTelemetry
{
    static double _heartbeat;

    static WorkerTelemetry() => JobsTelemetry.Meter.CreateObservableGauge<double>("ansible_api_worker_last_heartbeat_timestamp_seconds",
        () => Volatile.Read(ref _heartbeat) is > 0 and var seconds ? [new(seconds)] : [], "s", "Unix time at which this worker last renewed its leases.");

    /// <summary>Records that the worker told the store that it lives.</summary>
    public static void Heartbeat(DateTimeOffset now) => Volatile.Write(ref _heartbeat, now.ToUnixTimeMilliseconds() / 1000.0);
}

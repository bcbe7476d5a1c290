using System.Diagnostics;
using System.Diagnostics.Metrics;

namespace AspireJobs.Jobs;

/// <summary>The telemetry contract: names of spans' source, metrics, labels and buckets. docs/telemetry.md lists them.</summary>
public static class JobsTelemetry
{
    /// <summary>Name of the activity source and of the meter.</summary>
    public const string Name = "AspireJobs";

    /// <summary>Source of all spans of a job.</summary>
    public static readonly ActivitySource Source = new(Name);

    static readonly Meter Meter = new(Name);
    static ClusterStats? _cluster;

    static readonly Counter<long> JobsSubmitted = Meter.CreateCounter<long>(
        "ansible_api_jobs_submitted_total", null, "Jobs accepted, by the kind of their source.");

    static readonly Counter<long> JobsCompleted = Meter.CreateCounter<long>(
        "ansible_api_jobs_completed_total", null, "Jobs that reached a final state.");

    static readonly Counter<long> WebhookDeliveries = Meter.CreateCounter<long>(
        "ansible_api_webhook_deliveries_total", null, "Attempts to deliver a callback.");

    static readonly Histogram<double> JobDuration = Meter.CreateHistogram(
        "ansible_api_job_duration_seconds", null, "Seconds from the start of a job on a worker to its end.",
        advice: new InstrumentAdvice<double> { HistogramBucketBoundaries = [10, 30, 60, 120, 300, 600, 1800, 3600] });

    static readonly Histogram<double> RequestDuration = Meter.CreateHistogram(
        "ansible_api_request_duration_seconds", null, "Seconds to answer an API request, by route.",
        advice: new InstrumentAdvice<double> { HistogramBucketBoundaries = [0.01, 0.05, 0.1, 0.5, 1, 5, 10] });

    static JobsTelemetry()
    {
        Meter.CreateObservableGauge("ansible_api_queue_length",
            () => Observe(cluster => new Measurement<long>(cluster.QueuedJobs, new KeyValuePair<string, object?>("queue_name", JobQueue.Name))),
            null, "Jobs waiting for a worker, in the whole system.");
        Meter.CreateObservableGauge("ansible_api_active_workers", () => Observe(cluster => new Measurement<long>(cluster.ActiveWorkers)),
            null, "Workers heard of within the last 15 seconds, in the whole system.");
        Meter.CreateObservableGauge("ansible_api_active_jobs", () => Observe(cluster => new Measurement<long>(cluster.RunningJobs)),
            null, "Jobs being run, in the whole system.");
    }

    /// <summary>Counts an accepted job.</summary>
    public static void JobSubmitted(SourceType source) => JobsSubmitted.Add(1, Label("source_type", source.Word()));

    /// <summary>Counts a job that became final, and its duration if it had started.</summary>
    public static void JobCompleted(Job job)
    {
        JobsCompleted.Add(1, Label("status", job.Status.Word()));
        if (job.DurationSeconds is { } seconds)
            JobDuration.Record(seconds, Label("source_type", job.Request.Source!.Type!.Value.Word()));
    }

    /// <summary>Counts an attempt to deliver a callback.</summary>
    public static void WebhookAttempted(bool success) => WebhookDeliveries.Add(1, Label("success", success ? "true" : "false"));

    /// <summary>Records an answered request; <paramref name="endpoint"/> is a route template, never a path, so that series stay few.</summary>
    public static void RequestAnswered(double seconds, string method, string endpoint, int statusCode) =>
        RequestDuration.Record(seconds, Label("method", method), Label("endpoint", endpoint), Label("status_code", statusCode.ToString(System.Globalization.CultureInfo.InvariantCulture)));

    /// <summary>Sets the gauges that speak of the whole system; null takes them off the page, as an old number would lie.</summary>
    public static void SetCluster(ClusterStats? stats) => Volatile.Write(ref _cluster, stats);

    /// <summary>Puts every counter on the page with 0, so that the first failure is an increase that alerts can see.</summary>
    public static void StartAtZero()
    {
        foreach (var source in SnakeCase.All<SourceType>())
            JobsSubmitted.Add(0, Label("source_type", source));
        foreach (var status in Enum.GetValues<JobStatus>().Where(JobOutcomes.IsFinal))
            JobsCompleted.Add(0, Label("status", status.Word()));
        WebhookDeliveries.Add(0, Label("success", "true"));
        WebhookDeliveries.Add(0, Label("success", "false"));
    }

    static IEnumerable<Measurement<long>> Observe(Func<ClusterStats, Measurement<long>> measure) =>
        Volatile.Read(ref _cluster) is { } cluster ? [measure(cluster)] : [];

    static KeyValuePair<string, object?> Label(string name, string value) => new(name, value);
}

using System.Diagnostics;
using System.Diagnostics.Metrics;
using AspireJobs.Jobs.Schedules;

namespace AspireJobs.Jobs;

/// <summary>The telemetry contract: names of spans' source, metrics, labels and buckets. docs/telemetry.md lists them.</summary>
public static class JobsTelemetry
{
    /// <summary>Name of the activity source and of the meter.</summary>
    public const string Name = "AspireJobs";

    /// <summary>Source of all spans of a job.</summary>
    public static readonly ActivitySource Source = new(Name);

    internal static Meter Meter { get; } = new(Name);

    static readonly Counter<long> JobsSubmitted = Meter.CreateCounter<long>(
        "ansible_api_jobs_submitted_total", null, "Jobs accepted, by the kind of their source.");

    static readonly Counter<long> JobsCompleted = Meter.CreateCounter<long>(
        "ansible_api_jobs_completed_total", null, "Jobs that reached a final state.");

    static readonly Counter<long> WebhookDeliveries = Meter.CreateCounter<long>(
        "ansible_api_webhook_deliveries_total", null, "Attempts to deliver a callback.");

    static readonly Histogram<double> JobDuration = Meter.CreateHistogram(
        "ansible_api_job_duration_seconds", "s", "Seconds from the start of a job on a worker to its end.", OfSources,
        advice: new InstrumentAdvice<double> { HistogramBucketBoundaries = [10, 30, 60, 120, 300, 600, 1800, 3600] });

    static readonly Histogram<double> RequestDuration = Meter.CreateHistogram(
        "ansible_api_request_duration_seconds", "s", "Seconds to answer an API request, by route.",
        advice: new InstrumentAdvice<double> { HistogramBucketBoundaries = [0.01, 0.05, 0.1, 0.5, 1, 5, 10] });

    static readonly Histogram<double> QueueWait = Meter.CreateHistogram(
        "ansible_api_job_queue_wait_seconds", "s", "Seconds from when a job was ready to start to its start on a worker.", OfSources,
        advice: new InstrumentAdvice<double> { HistogramBucketBoundaries = [0.05, 0.1, 0.5, 1, 5, 10, 30, 60, 300, 900, 3600] });

    static readonly Histogram<double> StageDuration = Meter.CreateHistogram(
        "ansible_api_job_stage_duration_seconds", "s", "Seconds that a stage of a job took.", [new("stage", new[] { "fetch_source", "resolve_credentials", "run_playbook", "upload_logs", "send_webhook" })],
        advice: new InstrumentAdvice<double> { HistogramBucketBoundaries = [0.01, 0.05, 0.1, 0.5, 1, 5, 10, 30, 60, 300, 600, 1800] });

    static readonly Counter<long> JobFailures = Meter.CreateCounter<long>("ansible_api_job_failures_total", null, "Failed jobs, by the kind of failure.");

    static readonly Counter<long> JobRetries = Meter.CreateCounter<long>("ansible_api_job_retries_total", null, "Attempts at a job after its first.");

    static readonly Counter<long> ScheduleFires = Meter.CreateCounter<long>(
        "ansible_api_schedule_fires_total", null, "Times at which a schedule fired, or should have.");

    static readonly Counter<long> WebhookOutcomes = Meter.CreateCounter<long>(
        "ansible_api_webhook_outcomes_total", null, "Callbacks settled: delivered, or given up after the last attempt.");

    static readonly Counter<long> StoreReadErrors = Meter.CreateCounter<long>(
        "ansible_api_store_read_errors_total", null, "Times that the store could not be read for the gauges of the whole system.");

    /// <summary>Counts an accepted job.</summary>
    public static void JobSubmitted(SourceType source) => JobsSubmitted.Add(1, Label("source_type", source.Word()));

    /// <summary>Counts the start of an attempt, and how long the job had waited for it.</summary>
    public static void JobStarted(SourceType source, int attempt, TimeSpan waited)
    {
        QueueWait.Record(waited.TotalSeconds, Label("source_type", source.Word()));
        if (attempt > 1)
            JobRetries.Add(1);
    }

    /// <summary>Records how long a stage took; stages are named as their spans.</summary>
    public static void StageEnded(string stage, TimeSpan duration) => StageDuration.Record(duration.TotalSeconds, Label("stage", stage));

    /// <summary>Counts a job that became final, why it failed, and its duration if it had started.</summary>
    public static void JobCompleted(Job job)
    {
        JobsCompleted.Add(1, Label("status", job.Status.Word()));
        if (job.Status == JobStatus.Failed)
            JobFailures.Add(1, Label("error_type", job.Outcome!.Value.Word()));
        if (job.DurationSeconds is { } seconds)
            JobDuration.Record(seconds, Label("source_type", job.Request.Source!.Type!.Value.Word()));
    }

    /// <summary>Counts an attempt to deliver a callback.</summary>
    public static void WebhookAttempted(bool success) => WebhookDeliveries.Add(1, Label("success", success ? "true" : "false"));

    /// <summary>Records an answered request; <paramref name="endpoint"/> is a route template, never a path, so that series stay few.</summary>
    public static void RequestAnswered(double seconds, string method, string endpoint, int statusCode) =>
        RequestDuration.Record(seconds, Label("method", method), Label("endpoint", endpoint), Label("status_code", statusCode.ToString(System.Globalization.CultureInfo.InvariantCulture)));

    /// <summary>Counts a callback that needs no further attempt.</summary>
    public static void WebhookSettled(bool delivered) => WebhookOutcomes.Add(1, Label("outcome", delivered ? "delivered" : "given_up"));

    /// <summary>Counts what became of a schedule whose time had come.</summary>
    public static void ScheduleFired(Fire fire)
    {
        if (fire.Result != FireResult.Missed)
            ScheduleFires.Add(1, Label("result", fire.Result.Word()));
        ScheduleFires.Add(fire.Missed, Label("result", FireResult.Missed.Word()));
    }

    /// <summary>Counts a failure to read the store for the gauges.</summary>
    public static void StoreUnread() => StoreReadErrors.Add(1);

    /// <summary>Puts every counter on the page with 0, so that the first failure is an increase that alerts can see.</summary>
    public static void StartAtZero()
    {
        foreach (var source in SnakeCase.All<SourceType>())
            JobsSubmitted.Add(0, Label("source_type", source));
        foreach (var status in Enum.GetValues<JobStatus>().Where(JobOutcomes.IsFinal))
            JobsCompleted.Add(0, Label("status", status.Word()));
        WebhookDeliveries.Add(0, Label("success", "true"));
        WebhookDeliveries.Add(0, Label("success", "false"));
        WebhookOutcomes.Add(0, Label("outcome", "delivered"));
        WebhookOutcomes.Add(0, Label("outcome", "given_up"));
        foreach (var outcome in Enum.GetValues<JobOutcome>().Where(outcome => outcome.Status() == JobStatus.Failed))
            JobFailures.Add(0, Label("error_type", outcome.Word()));
        JobRetries.Add(0);
        foreach (var result in SnakeCase.All<FireResult>())
            ScheduleFires.Add(0, Label("result", result));
        StoreReadErrors.Add(0);
    }

    // Tags of a histogram itself name the values of a label. Exporters that know this show it at 0, which nothing can be recorded as; others leave it out.
    static IEnumerable<KeyValuePair<string, object?>> OfSources => [new("source_type", SnakeCase.All<SourceType>().ToArray())];

    /// <summary>Marks a span as failed.</summary>
    public static void Fail(this Activity? span, string errorType, string message) =>
        span?.SetStatus(ActivityStatusCode.Error, message).SetTag("error.type", errorType);

    /// <summary>Marks a span as failed by an exception, and records that.</summary>
    public static void Fail(this Activity? span, Exception exception)
    {
        span.Fail(exception.GetType().FullName!, exception.Message);
        span?.AddException(exception);
    }

    static KeyValuePair<string, object?> Label(string name, string value) => new(name, value);
}

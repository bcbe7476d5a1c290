using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using AspireJobs.Jobs;

namespace AspireJobs.Webhooks;

/// <summary>The message of Standard Webhooks: what happened, when, and to what.</summary>
sealed record WebhookBody(string Type, DateTime Timestamp, WebhookData Data)
{
    /// <summary>Receivers need not take more than this many bytes.</summary>
    public const int Largest = 20_000;

    // A character is six bytes at most, as an escape: the three texts of a failure leave room for all that is not cut.
    const int LongestText = 1_000;

    // Text as UTF-8, not as escapes: the body is JSON and nothing else, and has a limit in bytes.
    static readonly WebhooksJson Json = new(new JsonSerializerOptions(WebhooksJson.Default.Options) { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping });

    /// <summary>
    /// The bytes that tell of a final job: the same for every attempt, as a final job never changes. What makes them too
    /// large is cut or left out, and marked; the receiver can ask the API for it.
    /// </summary>
    public static byte[] Of(Job job)
    {
        var body = new WebhookBody(EventType(job.Status), job.FinishedAt!.Value.UtcDateTime, WebhookData.Of(job));
        var bytes = body.Bytes();
        if (bytes.Length > Largest && job.Failure is { } failure)
        {
            body = body with { Data = body.Data with { Failure = Shorten(failure) } };
            bytes = body.Bytes();
        }
        if (bytes.Length > Largest)
        {
            body = body with { Data = body.Data with { Hosts = null, HostsTruncated = true } };
            bytes = body.Bytes();
        }
        if (bytes.Length > Largest)
        {
            body = body with { Data = body.Data with { Labels = null, LabelsTruncated = true } };
            bytes = body.Bytes();
        }
        return bytes;
    }

    static JobFailure Shorten(JobFailure failure) =>
        failure with { Message = Shorten(failure.Message)!, Task = Shorten(failure.Task), Host = Shorten(failure.Host) };

    static string? Shorten(string? text) => text?.Length > LongestText ? text[..LongestText] + '…' : text;

    static string EventType(JobStatus status) => status switch
    {
        JobStatus.Success => "job.succeeded",
        JobStatus.Failed => "job.failed",
        JobStatus.Cancelled => "job.cancelled",
        _ => throw new ArgumentOutOfRangeException(nameof(status), status, "only a final job is told of"),
    };

    byte[] Bytes() => JsonSerializer.SerializeToUtf8Bytes(this, Json.WebhookBody);
}

/// <summary>The final job, without what was asked for.</summary>
sealed record WebhookData
{
    public required string JobId { get; init; }
    public required string Status { get; init; }
    public required string Outcome { get; init; }

    /// <summary>Number of this message among the job's: 1 today, as a job has one message.</summary>
    public int Sequence { get; init; } = 1;

    public required int Attempt { get; init; }
    public double? DurationSeconds { get; init; }
    public int? ExitCode { get; init; }
    public string? Revision { get; init; }
    public JobFailure? Failure { get; init; }
    public IReadOnlyDictionary<string, HostSummary>? Hosts { get; init; }
    public bool? HostsTruncated { get; init; }
    public IReadOnlyDictionary<string, string>? Labels { get; init; }
    public bool? LabelsTruncated { get; init; }
    public required DateTime CreatedAt { get; init; }
    public DateTime? StartedAt { get; init; }
    public required DateTime FinishedAt { get; init; }
    public string? TraceId { get; init; }

    public static WebhookData Of(Job job) => new()
    {
        JobId = job.Id.ToString(),
        Status = job.Status.Word(),
        Outcome = job.Outcome!.Value.Word(),
        Attempt = job.Attempt,
        DurationSeconds = job.DurationSeconds,
        ExitCode = job.ExitCode,
        Revision = job.Revision,
        Failure = job.Failure,
        Hosts = job.Hosts,
        Labels = job.Request.Labels,
        CreatedAt = job.CreatedAt.UtcDateTime,
        StartedAt = job.StartedAt?.UtcDateTime,
        FinishedAt = job.FinishedAt!.Value.UtcDateTime,
        TraceId = job.TraceId,
    };
}

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(WebhookBody))]
sealed partial class WebhooksJson : JsonSerializerContext;

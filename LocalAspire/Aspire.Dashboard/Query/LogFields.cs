using Aspire.Dashboard.Otlp;
using Aspire.Dashboard.Store;

namespace Aspire.Dashboard.Query;

/// <summary>What filters and pages know of a log record by name.</summary>
static class LogFields
{
    public static readonly IReadOnlyList<string> Known = ["message", "scope", "event", "severity", "traceId", "spanId", "resource"];

    static readonly string[] EventKeys = ["event.name", "event", "EventName", "logrecord.event.name"];

    /// <returns>Null when the record has no such field.</returns>
    public static string? Get(StoredLog log, LogRecord message, string field) => field switch
    {
        "message" => Message(message),
        "scope" => log.Scope.Name,
        "event" => Event(message),
        "severity" => log.Severity.ToString(),
        "traceId" => log.TraceId == 0 ? null : Ids.Text(log.TraceId),
        "spanId" => log.SpanId == 0 ? null : Ids.Text(log.SpanId),
        "resource" => log.Resource.Name,
        _ => Find(message, field),
    };

    public static string Message(LogRecord message) => AttributeText.Of(message.Body);

    public static string? Event(LogRecord message) =>
        message.EventName.Length > 0 ? message.EventName : EventKeys.Select(key => Find(message, key)).FirstOrDefault(value => value is not null);

    public static bool HasException(LogRecord message) => message.Attributes.Any(a => a.Key is "exception.type" or "exception.message");

    public static string? ExceptionText(LogRecord message) => Find(message, "exception.stacktrace")
        ?? (HasException(message) ? $"{Find(message, "exception.type")}: {Find(message, "exception.message")}" : null);

    static string? Find(LogRecord message, string key)
    {
        foreach (var attribute in message.Attributes)
        {
            if (attribute.Key == key)
                return AttributeText.Of(attribute.Value);
        }
        return null;
    }
}

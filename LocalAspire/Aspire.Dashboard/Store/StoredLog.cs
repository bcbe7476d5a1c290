using Aspire.Dashboard.Otlp;

namespace Aspire.Dashboard.Store;

/// <summary>A log record: what lists need at hand, and the rest as the bytes that came.</summary>
sealed class StoredLog(LogRecord record, TelemetryScope scope, byte[] payload)
{
    const int ObjectBytes = 120;

    public TelemetryScope Scope => scope;

    public TelemetryResource Resource => scope.Resource;

    /// <summary>Nanoseconds since 1970; when it was observed, if nobody said when it happened.</summary>
    public ulong Time { get; } = record.TimeUnixNano != 0 ? record.TimeUnixNano : record.ObservedTimeUnixNano;

    public Severity Severity { get; } = Severities.Of(record);

    /// <summary>0 when there is none.</summary>
    public UInt128 TraceId { get; } = Ids.TryTrace(record.TraceId, out var trace) ? trace : 0;

    public ulong SpanId { get; } = Ids.TrySpan(record.SpanId, out var span) ? span : 0;

    /// <summary>Counts records in the order in which they came.</summary>
    public long Sequence { get; set; }

    public int Bytes => ObjectBytes + payload.Length;

    public LogRecord Message => LogRecord.Parser.ParseFrom(payload);
}

/// <summary>The levels, under .NET's names.</summary>
enum Severity : byte { Unset, Trace, Debug, Information, Warning, Error, Critical }

static class Severities
{
    public static Severity Of(LogRecord record) => record.SeverityNumber switch
    {
        <= 0 => ByText(record.SeverityText),
        <= 4 => Severity.Trace,
        <= 8 => Severity.Debug,
        <= 12 => Severity.Information,
        <= 16 => Severity.Warning,
        <= 20 => Severity.Error,
        _ => Severity.Critical,
    };

    static Severity ByText(string text) => text.ToUpperInvariant() switch
    {
        "TRACE" => Severity.Trace,
        "DEBUG" => Severity.Debug,
        "INFO" or "INFORMATION" => Severity.Information,
        "WARN" or "WARNING" => Severity.Warning,
        "ERROR" => Severity.Error,
        "FATAL" or "CRITICAL" => Severity.Critical,
        _ => Severity.Unset,
    };
}

using Aspire.Dashboard.Otlp;
using Aspire.Dashboard.Store;
using Microsoft.AspNetCore.Mvc;

namespace Aspire.Dashboard.Query;

/// <summary>What log records are narrowed down to.</summary>
sealed class LogQuery
{
    const int DefaultLimit = 200;

    [FromQuery] public string? Resource { get; set; }

    /// <summary>This level or above.</summary>
    [FromQuery] public string? Severity { get; set; }

    /// <summary>Found in the message.</summary>
    [FromQuery] public string? Text { get; set; }

    [FromQuery] public string? TraceId { get; set; }

    [FromQuery] public string? SpanId { get; set; }

    [FromQuery] public string?[]? Filter { get; set; }

    /// <summary>Records that came before this one.</summary>
    [FromQuery] public long? Before { get; set; }

    /// <summary>Records that came after this one.</summary>
    [FromQuery] public long? After { get; set; }

    [FromQuery] public int? Limit { get; set; }

    /// <summary>How many fit, and those to be shown, in the order in which they came.</summary>
    public (int Matched, List<StoredLog> Logs) Run(IReadOnlyList<StoredLog> all)
    {
        var fits = Compile();
        var matched = all.Where(fits).ToList();
        var shown = matched.Where(log => (Before is not { } before || log.Sequence < before) && (After is not { } after || log.Sequence > after)).ToList();
        var limit = Math.Max(0, Limit ?? DefaultLimit);
        return (matched.Count, After is null ? [.. shown.TakeLast(limit)] : [.. shown.Take(limit)]);
    }

    /// <exception cref="BadQueryException"/>
    public Func<StoredLog, bool> Compile()
    {
        var filters = FieldFilter.Parse(Filter ?? []);
        var severity = ParseSeverity(Severity);
        var trace = TraceId is { Length: > 0 } ? Ids.TryTrace(TraceId, out var traceId) ? traceId : throw new BadQueryException("traceId must have 32 hexadecimal digits.") : default;
        var span = SpanId is { Length: > 0 } ? Ids.TrySpan(SpanId, out var spanId) ? spanId : throw new BadQueryException("spanId must have 16 hexadecimal digits.") : default;
        return log => log.Severity >= severity
            && (trace == 0 || log.TraceId == trace)
            && (span == 0 || log.SpanId == span)
            && (string.IsNullOrEmpty(Resource) || log.Resource.Answers(Resource))
            && ((string.IsNullOrEmpty(Text) && filters.Length == 0) || Fits(log, log.Message, filters));
    }

    public static Severity ParseSeverity(string? text) => string.IsNullOrEmpty(text)
        ? Store.Severity.Unset
        : Enum.TryParse<Severity>(text, ignoreCase: true, out var severity) && Enum.IsDefined(severity)
            ? severity
            : throw new BadQueryException($"'{text}' is not a severity. It must be Trace, Debug, Information, Warning, Error or Critical.");

    bool Fits(StoredLog log, LogRecord message, FieldFilter[] filters) =>
        (string.IsNullOrEmpty(Text) || LogFields.Message(message).Contains(Text, StringComparison.OrdinalIgnoreCase))
        && Array.TrueForAll(filters, filter => filter.Fits(LogFields.Get(log, message, filter.Field)));
}

using Aspire.Dashboard.Otlp;

namespace Aspire.Dashboard.Store;

/// <summary>A span: what lists and pictures need at hand, and the rest as the bytes that came, which take a tenth of what objects would.</summary>
sealed class StoredSpan
{
    const int ObjectBytes = 160;

    readonly byte[] _payload;

    public StoredSpan(Span span, UInt128 traceId, ulong id, TelemetryScope scope, byte[] payload)
    {
        (TraceId, Id, Scope, _payload) = (traceId, id, scope, payload);
        ParentId = Ids.TrySpan(span.ParentSpanId, out var parent) ? parent : 0;
        Start = span.StartTimeUnixNano;
        // A span that ends before it starts has come from clocks that were set meanwhile.
        End = Math.Max(span.EndTimeUnixNano, Start);
        Kind = (byte)Math.Clamp((int)span.Kind, 0, 5);
        IsError = span.Status?.Code == Status.Types.StatusCode.Error;
        HasLinks = span.Links.Count > 0;
    }

    public UInt128 TraceId { get; }

    public ulong Id { get; }

    /// <summary>0 when there is none.</summary>
    public ulong ParentId { get; }

    public TelemetryScope Scope { get; }

    public TelemetryResource Resource => Scope.Resource;

    /// <summary>Nanoseconds since 1970.</summary>
    public ulong Start { get; }

    public ulong End { get; }

    public byte Kind { get; }

    public bool IsError { get; }

    public bool HasLinks { get; }

    public required string Name { get; set; }

    /// <summary>Counts spans in the order in which they came.</summary>
    public long Sequence { get; set; }

    public int Bytes => ObjectBytes + _payload.Length;

    public Span Message => Span.Parser.ParseFrom(_payload);
}

using System.Diagnostics;

namespace AspireJobs.Webhooks;

/// <summary>Tells a receiver which trace it belongs to and nothing more: baggage and trace state may name things that are not its business.</summary>
sealed class TraceParentPropagator : DistributedContextPropagator
{
    const string TraceParent = "traceparent";

    public override IReadOnlyCollection<string> Fields => [TraceParent];

    public override void Inject(Activity? activity, object? carrier, PropagatorSetterCallback? setter)
    {
        if (activity is { IdFormat: ActivityIdFormat.W3C, Id: { } id })
            setter?.Invoke(carrier, TraceParent, id);
    }

    public override void ExtractTraceIdAndState(object? carrier, PropagatorGetterCallback? getter, out string? traceId, out string? traceState) =>
        traceId = traceState = null;

    public override IEnumerable<KeyValuePair<string, string?>>? ExtractBaggage(object? carrier, PropagatorGetterCallback? getter) => null;
}

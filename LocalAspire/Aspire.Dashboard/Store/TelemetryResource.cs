using Aspire.Dashboard.Otlp;

namespace Aspire.Dashboard.Store;

/// <summary>One sender of telemetry: a service instance.</summary>
sealed class TelemetryResource(string name, string instanceId, Resource message)
{
    long _spans, _logs, _errorLogs;

    /// <summary>The attribute <c>service.name</c>.</summary>
    public string Name => name;

    /// <summary>The attribute <c>service.instance.id</c>.</summary>
    public string InstanceId => instanceId;

    /// <summary>How the app host calls the instance: <c>api-kdjfmwne</c>.</summary>
    public string InstanceName { get; } = instanceId.Length == 0 ? name : $"{name}-{instanceId}";

    public Resource Message => message;

    public long Spans => Volatile.Read(ref _spans);

    public long Logs => Volatile.Read(ref _logs);

    public long ErrorLogs => Volatile.Read(ref _errorLogs);

    /// <summary>When metrics came last, in milliseconds since 1970; 0 when none have come.</summary>
    public long MetricsUntil { get; set; }

    public bool HasMetrics => MetricsUntil > 0;

    public void CountSpans(int more) => Interlocked.Add(ref _spans, more);

    public void CountLogs(int more, int errors)
    {
        Interlocked.Add(ref _logs, more);
        Interlocked.Add(ref _errorLogs, errors);
    }

    /// <summary>Whether a name that a caller gives means this one: a service's, or one instance's.</summary>
    public bool Answers(string wanted) =>
        string.Equals(wanted, name, StringComparison.OrdinalIgnoreCase) || string.Equals(wanted, InstanceName, StringComparison.OrdinalIgnoreCase);
}

/// <summary>The part of a sender's code that wrote something.</summary>
sealed class TelemetryScope(TelemetryResource resource, InstrumentationScope message)
{
    public TelemetryResource Resource => resource;

    public InstrumentationScope Message => message;

    public string Name => message.Name;
}

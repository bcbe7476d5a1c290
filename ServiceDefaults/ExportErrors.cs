using System.Diagnostics.Tracing;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace AspireJobs.ServiceDefaults;

/// <summary>
/// Counts how often the collector did not take a batch, and says so now and then. The exporter itself tells only its event source, once for each
/// attempt that failed; what a full queue drops is counted by the SDK.
/// </summary>
sealed partial class ExportErrors(TimeProvider time, ILogger<ExportErrors> logger) : EventListener, IHostedService
{
    const string Exporter = "OpenTelemetry-Exporter-OpenTelemetryProtocol";

    static readonly TimeSpan Silence = TimeSpan.FromMinutes(5);

    long _saidAt;

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    protected override void OnEventSourceCreated(EventSource eventSource)
    {
        if (eventSource.Name == Exporter)
            EnableEvents(eventSource, EventLevel.Warning);
    }

    protected override void OnEventWritten(EventWrittenEventArgs eventData)
    {
        LogTelemetry.ExportFailed();
        var (now, before) = (time.GetTimestamp(), Interlocked.Read(ref _saidAt));
        if ((before == 0 || time.GetElapsedTime(before, now) >= Silence) && Interlocked.CompareExchange(ref _saidAt, now, before) == before)
            Failed(logger, eventData.Payload is [string endpoint, ..] ? endpoint : "", eventData.EventName ?? "");
    }

    [LoggerMessage(LogLevel.Warning, "Telemetry does not reach {endpoint} ({reason}), and what no further attempt brings there is lost; the next line about it comes in five minutes", EventName = "telemetry_export_failed")]
    static partial void Failed(ILogger logger, string endpoint, string reason);
}

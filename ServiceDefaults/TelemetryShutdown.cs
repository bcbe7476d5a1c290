using Microsoft.Extensions.Hosting;
using OpenTelemetry.Logs;
using OpenTelemetry.Metrics;
using OpenTelemetry.Trace;

namespace AspireJobs.ServiceDefaults;

/// <summary>
/// Sends what is left when everything else has stopped, all signals at once and for a bounded time. Left to disposal, each signal
/// in turn would wait for a collector that is not there.
/// </summary>
sealed class TelemetryShutdown(TracerProvider? traces = null, MeterProvider? metrics = null, LoggerProvider? logs = null) : IHostedLifecycleService
{
    // Longer than one export may take (OTEL_EXPORTER_OTLP_TIMEOUT).
    const int TimeoutMilliseconds = 2500;

    public Task StoppedAsync(CancellationToken cancellationToken) => Task.WhenAll(
        Task.Run(() => traces?.Shutdown(TimeoutMilliseconds), CancellationToken.None),
        Task.Run(() => metrics?.Shutdown(TimeoutMilliseconds), CancellationToken.None),
        Task.Run(() => logs?.Shutdown(TimeoutMilliseconds), CancellationToken.None));

    public Task StartingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
}

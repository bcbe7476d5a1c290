using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;
using OpenTelemetry.Exporter;
using OpenTelemetry.Logs;
using OpenTelemetry.Metrics;
using OpenTelemetry.Trace;

namespace AspireJobs.ServiceDefaults;

/// <summary>
/// Sends what is left when everything else has stopped, all signals at once and for little longer than one export may take. Left to disposal,
/// each signal in turn would wait for a collector that is not there.
/// </summary>
sealed class TelemetryShutdown(
    IOptionsMonitor<OtlpExporterOptions> exporters, TracerProvider? traces = null, MeterProvider? metrics = null, LoggerProvider? logs = null)
    : IHostedLifecycleService
{
    const int MarginMilliseconds = 500;

    public Task StoppedAsync(CancellationToken cancellationToken) => Task.WhenAll(
        Apart(() => traces?.Shutdown(PatienceOf(OtlpExport.Traces))),
        Apart(() => metrics?.Shutdown(PatienceOf(OtlpExport.Metrics))),
        Apart(() => logs?.Shutdown(PatienceOf(OtlpExport.Logs))));

    int PatienceOf(string signal) => exporters.Get(signal).TimeoutMilliseconds + MarginMilliseconds;

    // On threads of their own: each blocks until its last export is done, which over gRPC needs threads of the pool.
    static Task Apart(Action shutDown) =>
        Task.Factory.StartNew(shutDown, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);

    public Task StartingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
}

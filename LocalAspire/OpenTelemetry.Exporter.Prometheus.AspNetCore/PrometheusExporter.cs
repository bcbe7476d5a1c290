using System.Diagnostics;
using OpenTelemetry.Metrics;

namespace OpenTelemetry.Exporter.Prometheus;

/// <summary>Collects on demand and keeps the result for a moment, so that several scrapers cost one collection.</summary>
[ExportModes(ExportModes.Pull)]
sealed class PrometheusExporter(PrometheusAspNetCoreOptions options) : BaseExporter<Metric>, IPullMetricExporter
{
    readonly SemaphoreSlim oneAtATime = new(1, 1);
    readonly ExpectedHistograms expected = new();
    IReadOnlyList<MetricFamily> exported = [];
    IReadOnlyList<MetricFamily>? cached;
    long cachedAt;

    /// <summary>Set by the reader that owns this exporter.</summary>
    public Func<int, bool>? Collect { get; set; }

    /// <summary>The families of now, or null if the collection failed.</summary>
    public async Task<IReadOnlyList<MetricFamily>?> CollectAsync(CancellationToken cancellationToken)
    {
        await oneAtATime.WaitAsync(cancellationToken);
        try
        {
            if (cached is not null && Stopwatch.GetElapsedTime(cachedAt).TotalMilliseconds < options.ScrapeResponseCacheDurationMilliseconds)
                return cached;

            cached = Collect!(Timeout.Infinite) ? exported : null;
            cachedAt = Stopwatch.GetTimestamp();
            return cached;
        }
        finally
        {
            oneAtATime.Release();
        }
    }

    // The batch is only valid during the call, so everything is copied out of it.
    public override ExportResult Export(in Batch<Metric> batch)
    {
        var families = new FamilyCollector(options);
        if (options.TargetInfoEnabled)
            families.AddTargetInfo(ParentProvider.GetResource());
        foreach (var metric in batch)
            families.Add(metric);
        foreach (var (histogram, labels) in expected.Series)
            families.AddEmpty(histogram, labels);
        exported = families.Families;
        return ExportResult.Success;
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            oneAtATime.Dispose();
            expected.Dispose();
        }
        base.Dispose(disposing);
    }
}

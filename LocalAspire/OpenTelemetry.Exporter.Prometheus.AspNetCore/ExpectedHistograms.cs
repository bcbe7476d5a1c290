using System.Diagnostics.Metrics;

namespace OpenTelemetry.Exporter.Prometheus;

/// <summary>
/// Histograms whose label values are known before anything is measured: instruments with a tag of their own whose value is a list of texts. The SDK
/// has no point without a measurement, and the first one of a series is no increase that a query could see.
/// </summary>
sealed class ExpectedHistograms : IDisposable
{
    readonly List<Histogram<double>> histograms = [];
    readonly MeterListener listener;

    public ExpectedHistograms()
    {
        listener = new MeterListener
        {
            InstrumentPublished = (instrument, _) =>
            {
                if (instrument is Histogram<double> { Tags: not null } histogram)
                    lock (histograms)
                        histograms.Add(histogram);
            },
        };
        listener.Start();
    }

    /// <summary>Each of them with the labels of each of its series.</summary>
    public IReadOnlyList<(Histogram<double> Histogram, string Labels)> Series
    {
        get
        {
            lock (histograms)
                return [.. from histogram in histograms
                    from tag in histogram.Tags!
                    from value in tag.Value as IEnumerable<string> ?? []
                    select (histogram, PrometheusText.Labels([new(tag.Key, value)]))];
        }
    }

    public void Dispose() => listener.Dispose();
}

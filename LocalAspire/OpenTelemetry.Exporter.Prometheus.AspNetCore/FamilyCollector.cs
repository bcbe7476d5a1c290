using System.Diagnostics.Metrics;
using System.Globalization;
using OpenTelemetry.Metrics;
using OpenTelemetry.Resources;

namespace OpenTelemetry.Exporter.Prometheus;

/// <summary>Turns OpenTelemetry metrics into Prometheus families.</summary>
sealed class FamilyCollector(PrometheusAspNetCoreOptions options)
{
    readonly Dictionary<string, MetricFamily> byName = new(StringComparer.Ordinal);
    readonly List<MetricFamily> families = [];

    public IReadOnlyList<MetricFamily> Families => families;

    public void AddTargetInfo(Resource resource)
    {
        if (resource == Resource.Empty)
            return;
        var family = new MetricFamily("target", FamilyKind.Info, "", "Target metadata");
        family.Add(new Sample(PrometheusText.Labels(resource.Attributes!), "1"));
        byName.Add(family.Name, family);
        families.Add(family);
    }

    public void Add(Metric metric)
    {
        if (Kind(metric.MetricType) is not { } kind || Family(metric.Name, metric.Unit, metric.Description, kind) is not { } family)
            return;

        foreach (ref readonly var point in metric.GetMetricPoints())
            family.Add(Sample(metric, point, Labels(metric, point)));
    }

    /// <summary>Adds a series in which nothing has been measured, unless it is there.</summary>
    public void AddEmpty(Histogram<double> histogram, string labels) =>
        Family(histogram.Name, histogram.Unit ?? "", histogram.Description ?? "", FamilyKind.Histogram)?.Add(new HistogramSample(labels, "0", 0,
            [.. (histogram.Advice?.HistogramBucketBoundaries ?? []).Append(double.PositiveInfinity).Select(bound => new HistogramBucket(bound, 0, null))]));

    // Exponential histograms have no form in these two formats.
    static FamilyKind? Kind(MetricType type) => type switch
    {
        MetricType.LongSum or MetricType.DoubleSum => FamilyKind.Counter,
        MetricType.Histogram => FamilyKind.Histogram,
        MetricType.ExponentialHistogram => null,
        _ => FamilyKind.Gauge,
    };

    // A name has one type on a page: a second instrument that would give it another one is left out.
    MetricFamily? Family(string metric, string unitOfMetric, string help, FamilyKind kind)
    {
        var unit = PrometheusText.Unit(unitOfMetric);
        var name = PrometheusText.Name(metric, unit, kind);
        if (byName.TryGetValue(name, out var known))
            return known.Kind == kind ? known : null;

        var family = new MetricFamily(name, kind, unit, help);
        byName.Add(name, family);
        families.Add(family);
        return family;
    }

    string Labels(Metric metric, in MetricPoint point)
    {
        var labels = new List<KeyValuePair<string, object?>>();
        if (options.ScopeInfoEnabled)
        {
            labels.Add(new("otel_scope_name", metric.MeterName));
            if (!string.IsNullOrEmpty(metric.MeterVersion))
                labels.Add(new("otel_scope_version", metric.MeterVersion));
        }

        foreach (var tag in point.Tags)
            labels.Add(tag);
        return PrometheusText.Labels(labels);
    }

    static Sample Sample(Metric metric, in MetricPoint point, string labels) => metric.MetricType switch
    {
        MetricType.Histogram => Histogram(point, labels),
        MetricType.LongSum => new Sample(labels, Text(point.GetSumLong()), Exemplars(point, isLong: true).MaxBy(e => e.Timestamp)),
        MetricType.DoubleSum => new Sample(labels, PrometheusText.Number(point.GetSumDouble()), Exemplars(point, isLong: false).MaxBy(e => e.Timestamp)),
        MetricType.LongSumNonMonotonic => new Sample(labels, Text(point.GetSumLong())),
        MetricType.DoubleSumNonMonotonic => new Sample(labels, PrometheusText.Number(point.GetSumDouble())),
        MetricType.LongGauge => new Sample(labels, Text(point.GetGaugeLastValueLong())),
        _ => new Sample(labels, PrometheusText.Number(point.GetGaugeLastValueDouble())),
    };

    static HistogramSample Histogram(in MetricPoint point, string labels)
    {
        var exemplars = Exemplars(point, isLong: false);
        var buckets = new List<HistogramBucket>();
        var lower = double.NegativeInfinity;
        long cumulative = 0;
        foreach (var bucket in point.GetHistogramBuckets())
        {
            cumulative += bucket.BucketCount;
            var upper = bucket.ExplicitBound;
            buckets.Add(new HistogramBucket(upper, cumulative, exemplars.Find(e => e.Value > lower && e.Value <= upper)));
            lower = upper;
        }

        // Without boundaries the SDK keeps sum and count only; the formats always want the last bucket.
        if (buckets.Count == 0)
            buckets.Add(new HistogramBucket(double.PositiveInfinity, point.GetHistogramCount(), exemplars.FirstOrDefault()));
        return new HistogramSample(labels, PrometheusText.Number(point.GetHistogramSum()), cumulative == 0 ? point.GetHistogramCount() : cumulative, buckets);
    }

    static List<SampleExemplar> Exemplars(in MetricPoint point, bool isLong)
    {
        var found = new List<SampleExemplar>();
        if (!point.TryGetExemplars(out var exemplars))
            return found;

        foreach (ref readonly var exemplar in exemplars)
            if (exemplar.TraceId != default)
                found.Add(new SampleExemplar(
                    exemplar.TraceId.ToHexString(), exemplar.SpanId.ToHexString(), isLong ? exemplar.LongValue : exemplar.DoubleValue, exemplar.Timestamp));
        return found;
    }

    static string Text(long value) => value.ToString(CultureInfo.InvariantCulture);
}

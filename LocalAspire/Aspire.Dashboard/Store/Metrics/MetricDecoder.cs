using Aspire.Dashboard.Otlp;
using Google.Protobuf.Collections;

namespace Aspire.Dashboard.Store;

/// <summary>A point as it came, whatever the kind of its instrument.</summary>
/// <param name="Start">Since when it counts; 0 when that is not known.</param>
/// <param name="IsDelta">Whether the values count since the point before, and not since the start.</param>
sealed record IncomingPoint(long Start, long Time, double Value, Distribution? Distribution, bool IsDelta, RepeatedField<KeyValue> Attributes, IEnumerable<Exemplar> Exemplars);

static class MetricDecoder
{
    // "No recorded value": the series has ended.
    const uint NoValue = 1;

    /// <returns>Null when the metric has no data.</returns>
    public static (MetricKind Kind, IEnumerable<IncomingPoint> Points)? Decode(Metric metric) => metric.DataCase switch
    {
        Metric.DataOneofCase.Gauge => (MetricKind.Gauge, metric.Gauge.DataPoints.Where(p => p.Flags != NoValue).Select(p => Number(p, isDelta: false))),
        Metric.DataOneofCase.Sum => (metric.Sum.IsMonotonic ? MetricKind.Counter : MetricKind.UpDown,
            metric.Sum.DataPoints.Where(p => p.Flags != NoValue).Select(p => Number(p, IsDelta(metric.Sum.AggregationTemporality)))),
        Metric.DataOneofCase.Histogram => (MetricKind.Histogram,
            metric.Histogram.DataPoints.Where(p => p.Flags != NoValue && IsValid(p)).Select(p => Explicit(p, IsDelta(metric.Histogram.AggregationTemporality)))),
        Metric.DataOneofCase.ExponentialHistogram => (MetricKind.Histogram,
            metric.ExponentialHistogram.DataPoints.Where(p => p.Flags != NoValue).Select(p => Exponential(p, IsDelta(metric.ExponentialHistogram.AggregationTemporality)))),
        // Its quantiles cannot be added up; what is left is how often and how much.
        Metric.DataOneofCase.Summary => (MetricKind.Histogram, metric.Summary.DataPoints.Where(p => p.Flags != NoValue)
            .Select(p => new IncomingPoint(Milliseconds(p.StartTimeUnixNano), Milliseconds(p.TimeUnixNano), p.Count, new(p.Sum, [], [p.Count]), false, p.Attributes, []))),
        _ => null,
    };

    public static long Milliseconds(ulong nanoseconds) => (long)(nanoseconds / 1_000_000);

    static bool IsDelta(AggregationTemporality temporality) => temporality == AggregationTemporality.Delta;

    static IncomingPoint Number(NumberDataPoint point, bool isDelta) => new(
        Milliseconds(point.StartTimeUnixNano), Milliseconds(point.TimeUnixNano), point.ValueCase == NumberDataPoint.ValueOneofCase.AsInt ? point.AsInt : point.AsDouble, null, isDelta, point.Attributes, point.Exemplars);

    static bool IsValid(HistogramDataPoint point) => point.BucketCounts.Count == 0 || point.BucketCounts.Count == point.ExplicitBounds.Count + 1;

    static IncomingPoint Explicit(HistogramDataPoint point, bool isDelta) => new(
        Milliseconds(point.StartTimeUnixNano), Milliseconds(point.TimeUnixNano),
        point.Count,
        point.BucketCounts.Count == 0 ? new(point.Sum, [], [point.Count]) : new(point.Sum, [.. point.ExplicitBounds], [.. point.BucketCounts.Select(count => (double)count)]),
        isDelta, point.Attributes, point.Exemplars);

    /// <summary>Bucket i of the scale s ends at 2^((i + 1) / 2^s). Below come zero, and the same mirrored.</summary>
    static IncomingPoint Exponential(ExponentialHistogramDataPoint point, bool isDelta)
    {
        var bounds = new List<double>();
        var counts = new List<double>();
        if (point.Negative is { } negative)
        {
            for (var i = negative.BucketCounts.Count - 1; i >= 0; i--)
                Add(-Bound(point.Scale, negative.Offset + i), negative.BucketCounts[i]);
        }
        Add(point.Positive is { BucketCounts.Count: > 0 } first ? Bound(point.Scale, first.Offset) : point.ZeroThreshold, point.ZeroCount);
        if (point.Positive is { } positive)
        {
            for (var i = 0; i < positive.BucketCounts.Count; i++)
                Add(Bound(point.Scale, positive.Offset + i + 1), positive.BucketCounts[i]);
        }
        counts.Add(0);
        return new(Milliseconds(point.StartTimeUnixNano), Milliseconds(point.TimeUnixNano), point.Count, new(point.Sum, [.. bounds], [.. counts]), isDelta, point.Attributes, point.Exemplars);

        void Add(double bound, ulong count)
        {
            bounds.Add(bound);
            counts.Add(count);
        }
    }

    static double Bound(int scale, int index) => Math.Pow(2, index * Math.Pow(2, -scale));
}

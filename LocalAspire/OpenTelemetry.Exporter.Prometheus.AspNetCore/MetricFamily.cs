namespace OpenTelemetry.Exporter.Prometheus;

enum FamilyKind
{
    Counter,
    Gauge,
    Histogram,
    Info,
}

/// <summary>All samples of one name. The name has its unit, but neither <c>_total</c> nor <c>_info</c>.</summary>
sealed record MetricFamily(string Name, FamilyKind Kind, string Unit, string Help)
{
    readonly HashSet<string> labelSets = [];

    public List<Sample> Samples { get; } = [];

    /// <summary>Two instruments of one name may meet in one label set; a page must not have it twice, so the first one stays.</summary>
    public void Add(Sample sample)
    {
        if (labelSets.Add(sample.Labels))
            Samples.Add(sample);
    }
}

/// <summary>One series, or for a histogram the set of them. Labels are escaped and have no braces.</summary>
record Sample(string Labels, string Value, SampleExemplar? Exemplar = null);

sealed record HistogramSample(string Labels, string Sum, long Count, IReadOnlyList<HistogramBucket> Buckets) : Sample(Labels, Sum);

/// <summary>The number of measurements up to and including <paramref name="UpperBound"/>.</summary>
sealed record HistogramBucket(double UpperBound, long CumulativeCount, SampleExemplar? Exemplar);

sealed record SampleExemplar(string TraceId, string SpanId, double Value, DateTimeOffset Timestamp);

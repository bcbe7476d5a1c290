using Aspire.Dashboard.Otlp;

namespace Aspire.Dashboard.Store;

/// <summary>The time series of all instruments.</summary>
sealed class MetricStore(ResourceCatalog resources, TelemetryLimitOptions limits, TimeProvider clock)
{
    const int MaxInstrumentsOfScope = 1_000;
    // What a series takes before its first point.
    const int SeriesBytes = 1_000;
    // The newest points stay as they came; older ones are thinned when memory runs short.
    static readonly TimeSpan FullResolution = TimeSpan.FromMinutes(5);

    static readonly TimeSpan JustStarted = TimeSpan.FromMinutes(1);

    readonly Lock _lock = new();
    readonly Dictionary<(TelemetryScope Scope, string Name), MetricInstrument> _instruments = [];
    readonly Dictionary<TelemetryScope, int> _instrumentsOfScope = [];
    long _bytes;
    long _thinAt = limits.MaxBytes;

    public ChangeSignal Changes { get; } = new();

    public IngestResult Add(MetricsData data)
    {
        var result = new IngestResult();
        foreach (var ofResource in data.ResourceMetrics)
        {
            var resource = resources.Find(ofResource.Resource);
            foreach (var ofScope in ofResource.ScopeMetrics)
            {
                if (resource?.Scope(ofScope.Scope) is not { } scope)
                {
                    result.Reject(ofScope.Metrics.Count, "There are too many resources or scopes.");
                    continue;
                }
                lock (_lock)
                {
                    foreach (var metric in ofScope.Metrics)
                        Add(scope, metric, result);
                }
            }
            if (resource is not null)
                resource.Resource.MetricsUntil = Math.Max(resource.Resource.MetricsUntil, clock.GetUtcNow().ToUnixTimeMilliseconds());
        }
        Changes.Raise();
        return result;
    }

    /// <summary>Lets a reader look at the instruments; it must copy what it keeps, and be quick.</summary>
    public T Read<T>(Func<IReadOnlyCollection<MetricInstrument>, T> read)
    {
        lock (_lock)
            return read(_instruments.Values);
    }

    /// <param name="resource">Null for everything.</param>
    public void Clear(Func<TelemetryResource, bool>? resource)
    {
        lock (_lock)
        {
            foreach (var (key, instrument) in _instruments.Where(i => resource?.Invoke(i.Value.Resource) != false).ToArray())
            {
                _instruments.Remove(key);
                _instrumentsOfScope.Remove(key.Scope);
                instrument.Resource.MetricsUntil = 0;
            }
            Measure();
        }
        Changes.Raise();
    }

    void Add(TelemetryScope scope, Metric metric, IngestResult result)
    {
        if (MetricDecoder.Decode(metric) is not var (kind, points))
            return;
        if (Instrument(scope, metric, kind) is not { } instrument)
        {
            result.Reject(points.Count(), $"There are too many instruments in the scope '{scope.Name}'.");
            return;
        }
        foreach (var point in points)
        {
            if (Series(instrument, point) is { } series)
                Add(series, instrument, point);
            else
                result.Reject(1, $"The instrument '{instrument.Name}' has too many time series, or memory for metrics is used up.");
        }
    }

    MetricInstrument? Instrument(TelemetryScope scope, Metric metric, MetricKind kind)
    {
        var key = (scope, metric.Name);
        // A program that was changed and started again may send another kind under the same name.
        if (_instruments.TryGetValue(key, out var known) && known.Kind == kind)
            return known;
        var ofScope = _instrumentsOfScope.GetValueOrDefault(scope);
        if (known is null && ofScope >= MaxInstrumentsOfScope)
            return null;

        _instrumentsOfScope[scope] = ofScope + (known is null ? 1 : 0);
        return _instruments[key] = new(scope, metric.Name, kind) { Unit = metric.Unit, Description = metric.Description };
    }

    MetricSeries? Series(MetricInstrument instrument, IncomingPoint point)
    {
        AttributeLimits.Apply(point.Attributes, limits);
        var attributes = point.Attributes.Select(a => KeyValuePair.Create(a.Key, AttributeText.Of(a.Value))).OrderBy(a => a.Key, StringComparer.Ordinal).ToArray();
        var key = string.Join('\u0001', attributes.Select(a => $"{a.Key}\u0002{a.Value}"));
        if (instrument.Series.TryGetValue(key, out var series))
            return series;
        if (instrument.Series.Count >= limits.MaxSeriesCount || !HasMemory())
        {
            instrument.Overflow = true;
            return null;
        }
        _bytes += SeriesBytes;
        return instrument.Series[key] = new(attributes, limits.MaxMetricsCount);
    }

    void Add(MetricSeries series, MetricInstrument instrument, IncomingPoint point)
    {
        var (kind, value, distribution) = (instrument.Kind, point.Value, point.Distribution);
        if (series.Points.Last is null && kind is MetricKind.Counter or MetricKind.Histogram && Zero(instrument.Resource, point) is { } zero)
            series.Points.Add(zero);
        if (series.Points.Last is { } last)
        {
            if (point.IsDelta && kind != MetricKind.Gauge)
                (value, distribution) = (last.Value + value, Sum(last.Distribution, distribution));
            if (distribution is not null && last.Distribution?.HasBounds(distribution.Bounds) == true)
                distribution = distribution with { Bounds = last.Distribution.Bounds };
        }
        var before = series.Points.Bytes;
        series.Points.Add(new(point.Time, value, distribution));
        _bytes += series.Points.Bytes - before;
        foreach (var exemplar in point.Exemplars)
        {
            if (Ids.TryTrace(exemplar.TraceId, out var trace) && Ids.TrySpan(exemplar.SpanId, out var span))
                series.Add(new(MetricDecoder.Milliseconds(exemplar.TimeUnixNano), exemplar.ValueCase == Exemplar.ValueOneofCase.AsInt ? exemplar.AsInt : exemplar.AsDouble, trace, span));
        }
        HasMemory();
    }

    /// <summary>
    /// Where a new series was still at zero: at the last export of its sender that did not have it, or at its start if that was just now.
    /// One that has counted for longer than we have listened begins with what it shows.
    /// </summary>
    static MetricPoint? Zero(TelemetryResource resource, IncomingPoint point)
    {
        var time = resource.MetricsUntil > 0 ? resource.MetricsUntil : point.Start;
        var isKnown = resource.MetricsUntil > 0 || point.IsDelta || point.Time - point.Start < JustStarted.TotalMilliseconds;
        return isKnown && time < point.Time ? new(time, 0, point.Distribution is { } d ? new(0, d.Bounds, new double[d.Counts.Length]) : null) : null;
    }

    /// <summary>When bounds change, the earlier buckets are put where their upper ends fall.</summary>
    public static Distribution? Sum(Distribution? total, Distribution? more)
    {
        if (total is null || more is null)
            return more ?? total;
        var counts = (double[])more.Counts.Clone();
        var earlier = Rebucket(total, more.Bounds);
        for (var i = 0; i < counts.Length; i++)
            counts[i] += earlier[i];
        return new(total.Sum + more.Sum, more.Bounds, counts);
    }

    public static double[] Rebucket(Distribution from, double[] bounds)
    {
        if (from.HasBounds(bounds))
            return from.Counts;
        var counts = new double[bounds.Length + 1];
        for (var i = 0; i < from.Counts.Length; i++)
        {
            var bucket = i < from.Bounds.Length ? Array.BinarySearch(bounds, from.Bounds[i]) : bounds.Length;
            counts[bucket < 0 ? ~bucket : bucket] += from.Counts[i];
        }
        return counts;
    }

    /// <summary>Makes room by thinning, what is old first.</summary>
    bool HasMemory()
    {
        if (_bytes > _thinAt)
        {
            Thin((clock.GetUtcNow() - FullResolution).ToUnixTimeMilliseconds());
            if (_bytes > limits.MaxBytes)
                Thin(long.MaxValue);
            // Where series themselves are what takes the memory, thinning at each point would not help.
            _thinAt = Math.Max(limits.MaxBytes, _bytes + (_bytes / 4));
        }
        return _bytes <= limits.MaxBytes;
    }

    void Thin(long before)
    {
        foreach (var instrument in _instruments.Values)
        {
            foreach (var series in instrument.Series.Values)
                series.Points.Thin(before);
        }
        Measure();
    }

    void Measure() => _bytes = _instruments.Values.Sum(i => i.Series.Values.Sum(s => SeriesBytes + s.Points.Bytes));
}

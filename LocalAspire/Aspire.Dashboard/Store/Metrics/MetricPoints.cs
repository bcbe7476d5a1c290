namespace Aspire.Dashboard.Store;

/// <summary>The value of a time series from one moment on; histograms have a distribution besides.</summary>
/// <param name="Time">Milliseconds since 1970.</param>
/// <param name="Value">Of a counter the running total, of a histogram the number of observations so far.</param>
readonly record struct MetricPoint(long Time, double Value, Distribution? Distribution);

/// <param name="Bounds">The upper bounds of all buckets but the last, which has none.</param>
/// <param name="Counts">Observations per bucket, as running totals.</param>
sealed record Distribution(double Sum, double[] Bounds, double[] Counts)
{
    public bool Equals(Distribution? other) => other is not null && Sum.Equals(other.Sum) && Counts.AsSpan().SequenceEqual(other.Counts) && HasBounds(other.Bounds);

    public override int GetHashCode() => HashCode.Combine(Sum, Counts.Length);

    public bool HasBounds(double[] bounds) => ReferenceEquals(Bounds, bounds) || Bounds.AsSpan().SequenceEqual(bounds);
}

sealed record MetricExemplar(long Time, double Value, UInt128 TraceId, ulong SpanId);

/// <summary>The points of one time series, oldest first. A value that stays the same takes two points, however long.</summary>
sealed class MetricPoints(int limit)
{
    const int PointBytes = 24;

    MetricPoint[] _points = new MetricPoint[8];
    int _count;

    public ReadOnlySpan<MetricPoint> All => _points.AsSpan(0, _count);

    public MetricPoint? Last => _count == 0 ? null : _points[_count - 1];

    public long Bytes { get; private set; }

    public void Add(MetricPoint point)
    {
        if (_count > 0 && point.Time <= _points[_count - 1].Time)
            return;
        if (_count > 1 && IsSame(_points[_count - 1], point) && IsSame(_points[_count - 2], point))
        {
            _points[_count - 1] = _points[_count - 1] with { Time = point.Time };
            return;
        }
        if (_count == limit)
            Remove(Math.Max(1, limit / 16));
        if (_count == _points.Length)
            Array.Resize(ref _points, Math.Min(limit, _count * 2));
        _points[_count++] = point;
        Bytes += Size(point);
    }

    /// <summary>Drops every second point from before the time. Running totals lose nothing but resolution by it.</summary>
    public void Thin(long before)
    {
        var kept = 0;
        for (var i = 0; i < _count; i++)
        {
            if (_points[i].Time >= before || i % 2 == 0)
                _points[kept++] = _points[i];
        }
        Array.Clear(_points, kept, _count - kept);
        _count = kept;
        if (_count < _points.Length / 4)
            Array.Resize(ref _points, Math.Max(8, _count * 2));
        Measure();
    }

    void Remove(int oldest)
    {
        Array.Copy(_points, oldest, _points, 0, _count - oldest);
        Array.Clear(_points, _count - oldest, oldest);
        _count -= oldest;
        Measure();
    }

    void Measure()
    {
        Bytes = 0;
        foreach (var point in All)
            Bytes += Size(point);
    }

    static long Size(MetricPoint point) => PointBytes + (point.Distribution is { } distribution ? 64 + 8L * distribution.Counts.Length : 0);

    static bool IsSame(MetricPoint a, MetricPoint b) => a.Value.Equals(b.Value) && Equals(a.Distribution, b.Distribution);
}

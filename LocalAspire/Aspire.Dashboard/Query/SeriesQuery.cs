using Aspire.Dashboard.Store;

namespace Aspire.Dashboard.Query;

/// <summary>A time series as it was when it was copied out of the store.</summary>
sealed record SeriesCopy(IReadOnlyList<KeyValuePair<string, string>> Attributes, MetricPoint[] Points, MetricExemplar[] Exemplars);

/// <summary>Puts the points of time series onto the common steps of a graph.</summary>
/// <param name="From">The start of the first step, in milliseconds since 1970.</param>
/// <param name="Step">Milliseconds.</param>
sealed record TimeGrid(long From, long Step, int Count)
{
    // A sender is silent for good when it has missed this many exports of a minute's interval.
    const long Stale = 150_000;

    public IEnumerable<long> Times => Enumerable.Range(1, Count).Select(i => From + (i * Step));

    /// <summary>The steps begin at round times, so that a graph does not change when it moves on.</summary>
    public static TimeGrid Until(long now, TimeSpan range, int points)
    {
        var step = RoundUp((long)range.TotalMilliseconds / points);
        var to = (now / step + 1) * step;
        var count = (int)Math.Ceiling(range.TotalMilliseconds / step);
        return new(to - (count * step), step, count);
    }

    /// <summary>The last point at or before the end of each step; null where there is none or the series had ended.</summary>
    public MetricPoint?[] Sample(MetricPoint[] points)
    {
        var sampled = new MetricPoint?[Count + 1];
        var next = 0;
        for (var i = 0; i <= Count; i++)
        {
            var time = From + (i * Step);
            while (next < points.Length && points[next].Time <= time)
                next++;
            // Between two points that hold the same value the series was alive, however far apart they are.
            var isAlive = next > 0 && (time - points[next - 1].Time < Math.Max(Stale, Step) || next < points.Length);
            sampled[i] = isAlive ? points[next - 1] : null;
        }
        return sampled;
    }

    static long RoundUp(long step)
    {
        long[] nice = [1_000, 2_000, 5_000, 10_000, 15_000, 30_000, 60_000, 120_000, 300_000, 600_000, 900_000, 1_800_000];
        return Array.Find(nice, candidate => candidate >= step) is > 0 and var found ? found : 3_600_000;
    }
}

static class Increase
{
    /// <summary>How much a running total grew; it starts again at zero when its sender does.</summary>
    public static double? Of(MetricPoint? before, MetricPoint? after) => (before, after) switch
    {
        (_, null) => null,
        (null, _) => null,
        ({ } b, { } a) => a.Value >= b.Value ? a.Value - b.Value : a.Value,
    };

    /// <summary>The observations between two points, by bucket.</summary>
    public static double[]? Buckets(MetricPoint? before, MetricPoint? after)
    {
        if (after?.Distribution is not { } now)
            return null;
        if (before?.Distribution is not { } then || before.Value.Value > after.Value.Value)
            return before is null ? null : now.Counts;
        var earlier = MetricStore.Rebucket(then, now.Bounds);
        return [.. now.Counts.Select((count, i) => Math.Max(0, count - earlier[i]))];
    }
}

static class Percentile
{
    /// <summary>By linear interpolation within the bucket. In the last bucket, which has no end, its start.</summary>
    /// <returns>Null when there are no observations, or no buckets to tell them apart.</returns>
    public static double? Of(double percentile, double[] bounds, double[] counts)
    {
        var total = counts.Sum();
        if (total <= 0 || bounds.Length == 0)
            return null;
        var rank = total * percentile / 100;
        var seen = 0.0;
        for (var i = 0; i < bounds.Length; i++)
        {
            if (seen + counts[i] >= rank && counts[i] > 0)
            {
                var start = i > 0 ? bounds[i - 1] : Math.Min(0, bounds[0]);
                return start + ((bounds[i] - start) * (rank - seen) / counts[i]);
            }
            seen += counts[i];
        }
        return bounds[^1];
    }
}

using Aspire.Dashboard.Query;
using Aspire.Dashboard.Store;

namespace Aspire.Dashboard.Ui;

static class MetricEndpoints
{
    const int MaxSeries = 50, MaxExemplars = 200, MaxPoints = 1_000;
    // Instances of a resource are told apart by it, when there are several.
    const string Instance = "service.instance.id";

    public static void MapMetrics(this IEndpointRouteBuilder ui)
    {
        ui.MapGet("/metrics", GetTree);
        ui.MapGet("/metrics/series", GetSeries);
    }

    static IResult GetTree(MetricStore store) => Results.Json(new
    {
        Resources = store.Read(instruments => instruments
            .GroupBy(i => i.Resource.Name).OrderBy(r => r.Key, StringComparer.Ordinal)
            .Select(resource => new
            {
                Name = resource.Key,
                Meters = resource.GroupBy(i => i.Meter).OrderBy(m => m.Key, StringComparer.Ordinal).Select(meter => new
                {
                    Name = meter.Key,
                    Instruments = meter.GroupBy(i => i.Name).OrderBy(i => i.Key, StringComparer.Ordinal).Select(same => new
                    {
                        Name = same.Key,
                        same.First().Unit,
                        same.First().Description,
                        Kind = KindName(same.First().Kind),
                        Series = same.Sum(i => i.Series.Count),
                        Overflow = same.Any(i => i.Overflow),
                    }).ToArray(),
                }).ToArray(),
            }).ToArray()),
    }, UiJson.Options);

    static IResult GetSeries(MetricStore store, TimeProvider clock, string resource, string meter, string instrument, double? minutes, int? points, string?[]? dimension)
    {
        var range = TimeSpan.FromMinutes(Math.Clamp(minutes ?? 5, 1, 24 * 60));
        var grid = TimeGrid.Until(clock.GetUtcNow().ToUnixTimeMilliseconds(), range, Math.Clamp(points ?? 150, 10, MaxPoints));
        var wanted = Dimensions(dimension ?? []);
        if (Copy(store, resource, meter, instrument) is not var (kind, unit, description, all))
            return Results.Problem(title: "Instrument not found", detail: $"'{resource}' has sent no '{instrument}' of '{meter}'.", statusCode: StatusCodes.Status404NotFound);

        var shown = all.Where(series => wanted.All(want => series.Attributes.Any(a => a.Key == want.Key && want.Contains(a.Value)))).ToList();
        var lines = shown.Select(series => Line(kind, grid, series)).OrderByDescending(line => line.Weight).ToList();
        return Results.Json(new
        {
            Kind = KindName(kind),
            unit,
            description,
            grid.From,
            To = grid.From + (grid.Count * grid.Step),
            grid.Step,
            Dimensions = all.SelectMany(series => series.Attributes).GroupBy(a => a.Key).OrderBy(g => g.Key, StringComparer.Ordinal)
                .Select(g => new { g.Key, Values = g.Select(a => a.Value).Distinct().Order(StringComparer.Ordinal) }),
            Times = grid.Times,
            Series = lines.Take(MaxSeries).Select(line => new { line.Attributes, line.Values }),
            HiddenSeries = Math.Max(0, lines.Count - MaxSeries),
            Total = Total(grid, shown),
            Percentiles = kind == MetricKind.Histogram ? Percentiles(grid, shown) : null,
            Exemplars = shown.SelectMany(series => series.Exemplars.Where(e => e.Time >= grid.From).Select(e => new
            {
                e.Time,
                e.Value,
                TraceId = Ids.Text(e.TraceId),
                SpanId = Ids.Text(e.SpanId),
                Attributes = series.Attributes.ToDictionary(),
            })).OrderByDescending(e => e.Time).Take(MaxExemplars),
        }, UiJson.Options);
    }

    static (MetricKind Kind, string Unit, string Description, List<SeriesCopy> Series)? Copy(MetricStore store, string resource, string meter, string instrument) => store.Read(instruments =>
    {
        var same = instruments.Where(i => i.Name == instrument && i.Meter == meter && i.Resource.Answers(resource)).ToList();
        if (same.Count == 0)
            return ((MetricKind, string, string, List<SeriesCopy>)?)null;
        var series = same.Where(i => i.Kind == same[0].Kind).SelectMany(i => i.Series.Values.Select(s => new SeriesCopy(
            same.Count == 1 ? s.Attributes : [.. s.Attributes, KeyValuePair.Create(Instance, i.Resource.InstanceId)], s.Points.All.ToArray(), [.. s.Exemplars])));
        return (same[0].Kind, same[0].Unit, same[0].Description, series.ToList());
    });

    static (Dictionary<string, string> Attributes, IReadOnlyList<double?> Values, double Weight) Line(MetricKind kind, TimeGrid grid, SeriesCopy series)
    {
        var sampled = grid.Sample(series.Points);
        var perSecond = 1_000.0 / grid.Step;
        var values = Enumerable.Range(1, grid.Count)
            .Select(i => kind is MetricKind.Counter or MetricKind.Histogram ? Increase.Of(sampled[i - 1], sampled[i]) * perSecond : sampled[i]?.Value).ToArray();
        return (series.Attributes.ToDictionary(), values, values.Sum(value => Math.Abs(value ?? 0)));
    }

    static IEnumerable<double?> Total(TimeGrid grid, List<SeriesCopy> shown)
    {
        var sampled = shown.Select(series => grid.Sample(series.Points)).ToList();
        return Enumerable.Range(1, grid.Count).Select(i => sampled.Aggregate((double?)null, (sum, series) => series[i] is { } point ? (sum ?? 0) + point.Value : sum));
    }

    static object Percentiles(TimeGrid grid, List<SeriesCopy> shown)
    {
        var sampled = shown.Select(series => grid.Sample(series.Points)).ToList();
        var observed = Enumerable.Range(1, grid.Count).Select(i =>
        {
            Distribution? sum = null;
            foreach (var series in sampled)
            {
                if (Increase.Buckets(series[i - 1], series[i]) is { } counts)
                    sum = MetricStore.Sum(sum, new(0, series[i]!.Value.Distribution!.Bounds, counts));
            }
            return sum;
        }).ToArray();
        return new { P50 = Of(50), P90 = Of(90), P99 = Of(99) };

        IEnumerable<double?> Of(double percentile) => observed.Select(sum => sum is null ? null : Percentile.Of(percentile, sum.Bounds, sum.Counts));
    }

    /// <summary>The wanted values of each key.</summary>
    static ILookup<string, string> Dimensions(string?[] texts) => texts.Where(text => !string.IsNullOrEmpty(text)).Select(text =>
    {
        var parts = text!.Split(':');
        return parts.Length == 2
            ? (Key: Uri.UnescapeDataString(parts[0]), Value: Uri.UnescapeDataString(parts[1]))
            : throw new BadQueryException($"'{text}' is not a dimension. It must be key:value, each part percent-encoded.");
    }).ToLookup(d => d.Key, d => d.Value);

    static string KindName(MetricKind kind) => kind switch
    {
        MetricKind.Counter => "counter",
        MetricKind.UpDown => "updown",
        MetricKind.Gauge => "gauge",
        _ => "histogram",
    };
}

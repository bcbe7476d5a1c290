using System.Globalization;
using System.Text.Json;

namespace AspireJobs.Tests.Dashboard;

/// <summary>Metrics as graphs show them.</summary>
public sealed class MetricTests
{
    // Three exports of a sender, ten seconds apart, the last of them just now.
    static readonly long Now = TimeProvider.System.GetUtcNow().ToUnixTimeMilliseconds() / 10_000 * 10_000;

    [Fact]
    public async Task A_counter_is_shown_per_second_and_starts_again_with_its_sender()
    {
        await using var dashboard = await DashboardProcess.StartAsync();
        foreach (var (age, value) in new[] { (40, 100), (30, 150), (20, 10), (10, 30) })
            await dashboard.SendAsync("metrics", Otlp.Metrics("api", Sum("requests", age, value)));

        var series = await dashboard.GetAsync("/api/ui/metrics/series?resource=api&meter=meter&instrument=requests&minutes=5&points=30");

        Assert.Equal((10_000, "counter"), (series.GetProperty("step").GetInt32(), series.GetProperty("kind").GetString()));
        Assert.Equal([5, 1, 2], Numbers(series.GetProperty("series")[0].GetProperty("values")).Where(value => value > 0));
        Assert.Equal([100, 150, 10, 30], Numbers(series.GetProperty("total")).OfType<double>().Distinct());
    }

    [Fact]
    public async Task Deltas_add_up()
    {
        await using var dashboard = await DashboardProcess.StartAsync();
        foreach (var age in new[] { 30, 20, 10 })
            await dashboard.SendAsync("metrics", Otlp.Metrics("api", Sum("requests", age, 20, temporality: 1)));

        var series = await dashboard.GetAsync("/api/ui/metrics/series?resource=api&meter=meter&instrument=requests&minutes=5&points=30");

        Assert.Equal(60, Numbers(series.GetProperty("total")).Last(value => value is not null));
    }

    [Fact]
    public async Task Percentiles_are_those_of_the_observations_of_a_step()
    {
        await using var dashboard = await DashboardProcess.StartAsync();
        await dashboard.SendAsync("metrics", Otlp.Metrics("api", Histogram(30, [0, 0, 0, 0])));
        await dashboard.SendAsync("metrics", Otlp.Metrics("api", Histogram(20, [90, 9, 1, 0])));
        await dashboard.SendAsync("metrics", Otlp.Metrics("api", Histogram(10, [90, 9, 101, 0])));

        var percentiles = (await dashboard.GetAsync("/api/ui/metrics/series?resource=api&meter=meter&instrument=latency&minutes=5&points=30")).GetProperty("percentiles");

        // 90 of 100 below 0.1 s, 9 more below 1 s; then 100 between 1 s and 10 s.
        Assert.Equal([50.0 / 90 * 0.1, 5.5], Numbers(percentiles.GetProperty("p50")).OfType<double>().Select(value => Math.Round(value, 10)), (a, b) => Math.Abs(a - b) < 1e-9);
        Assert.Equal([0.1, 9.1], Numbers(percentiles.GetProperty("p90")).OfType<double>(), (a, b) => Math.Abs(a - b) < 1e-9);
        Assert.Equal([1, 9.91], Numbers(percentiles.GetProperty("p99")).OfType<double>(), (a, b) => Math.Abs(a - b) < 1e-9);
    }

    [Fact]
    public async Task Dimensions_narrow_down_and_exemplars_lead_to_their_traces()
    {
        await using var dashboard = await DashboardProcess.StartAsync();
        await dashboard.SendAsync("metrics", Otlp.Metrics("api", Sum("jobs", 10, 1, status: "failed"), Sum("jobs", 10, 7, status: "success")));

        var all = await dashboard.GetAsync("/api/ui/metrics/series?resource=api&meter=meter&instrument=jobs");
        var failed = await dashboard.GetAsync("/api/ui/metrics/series?resource=api&meter=meter&instrument=jobs&dimension=status:failed");

        Assert.Equal("""[{"key":"status","values":["failed","success"]}]""", all.GetProperty("dimensions").GetRawText());
        Assert.Equal((2, 1), (all.GetProperty("series").GetArrayLength(), failed.GetProperty("series").GetArrayLength()));
        Assert.Equal((8, 1), (Last(all), Last(failed)));
        var exemplar = Assert.Single(failed.GetProperty("exemplars").EnumerateArray());
        Assert.Equal((Otlp.TraceId(5), Otlp.SpanId(6), "failed"), (exemplar.GetProperty("traceId").GetString(), exemplar.GetProperty("spanId").GetString(), exemplar.GetProperty("attributes").GetProperty("status").GetString()));

        static double? Last(JsonElement series) => Numbers(series.GetProperty("total")).Last(value => value is not null);
    }

    [Fact]
    public async Task An_exponential_histogram_has_percentiles_too()
    {
        await using var dashboard = await DashboardProcess.StartAsync();
        foreach (var (age, count) in new[] { (20, 0), (10, 100) })
        {
            // Scale 0: bucket 3 holds what lies between 8 and 16.
            await dashboard.SendAsync("metrics", Otlp.Metrics("api", new
            {
                name = "size",
                exponentialHistogram = new
                {
                    aggregationTemporality = 2,
                    dataPoints = new[] { new { timeUnixNano = Nano(age), startTimeUnixNano = Nano(3600), count = $"{count}", sum = 12.0 * count, scale = 0, positive = new { offset = 3, bucketCounts = new[] { $"{count}" } } } },
                },
            }));
        }

        var series = await dashboard.GetAsync("/api/ui/metrics/series?resource=api&meter=meter&instrument=size&minutes=5&points=30");

        Assert.Equal([12], Numbers(series.GetProperty("percentiles").GetProperty("p50")).OfType<double>());
    }

    static object Sum(string name, int age, double value, int temporality = 2, string? status = null) => new
    {
        name,
        sum = new
        {
            aggregationTemporality = temporality,
            isMonotonic = true,
            dataPoints = new[]
            {
                new
                {
                    timeUnixNano = Nano(age),
                    startTimeUnixNano = Nano(3600),
                    asDouble = value,
                    attributes = status is null ? [] : new[] { Otlp.Text("status", status) },
                    exemplars = new[] { new { timeUnixNano = Nano(age), asDouble = 1, traceId = Otlp.TraceId(5), spanId = Otlp.SpanId(6) } },
                },
            },
        },
    };

    static object Histogram(int age, int[] counts) => new
    {
        name = "latency",
        unit = "s",
        histogram = new
        {
            aggregationTemporality = 2,
            dataPoints = new[] { new { timeUnixNano = Nano(age), startTimeUnixNano = Nano(3600), count = $"{counts.Sum()}", sum = 1.0, bucketCounts = counts.Select(count => $"{count}"), explicitBounds = new[] { 0.1, 1, 10 } } },
        },
    };

    static string Nano(int age) => ((Now - (age * 1_000L)) * 1_000_000).ToString(CultureInfo.InvariantCulture);

    static IEnumerable<double?> Numbers(JsonElement list) => list.EnumerateArray().Select(value => value.ValueKind == JsonValueKind.Null ? (double?)null : value.GetDouble());
}

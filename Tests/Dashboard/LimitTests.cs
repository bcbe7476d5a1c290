using System.Text.Json;

namespace AspireJobs.Tests.Dashboard;

/// <summary>What is kept is bounded by Aspire's settings; the oldest goes first.</summary>
public sealed class LimitTests
{
    [Fact]
    public async Task The_oldest_traces_and_log_records_go()
    {
        await using var dashboard = await DashboardProcess.StartAsync(("DASHBOARD__TELEMETRYLIMITS__MAXTRACECOUNT", "3"), ("DASHBOARD__TELEMETRYLIMITS__MAXLOGCOUNT", "4"));
        for (var i = 1; i <= 5; i++)
        {
            await dashboard.SendAsync("traces", Otlp.Spans("api", Otlp.Span(i, 1, 0, $"trace {i}", i, i + 1), Otlp.Span(i, 2, 1, "child", i, i + 1)));
            await dashboard.SendAsync("logs", Otlp.Logs("api", Otlp.Log(i, 9, $"line {i}"), Otlp.Log(i, 9, $"line {i}b")));
        }

        var traces = await dashboard.GetAsync("/api/ui/traces?descending=false");
        var logs = await dashboard.GetAsync("/api/ui/logs");

        Assert.Equal(["trace 3", "trace 4", "trace 5"], Texts(traces, "traces", "name"));
        Assert.Equal(["line 4", "line 4b", "line 5", "line 5b"], Texts(logs, "logs", "message"));
        Assert.Equal((6, 4), (await SpansAsync(dashboard), (await dashboard.GetAsync("/api/telemetry/logs")).GetProperty("totalCount").GetInt32()));
    }

    [Fact]
    public async Task Memory_is_bounded_whatever_the_size_of_spans_and_one_trace_cannot_take_it_all()
    {
        await using var dashboard = await DashboardProcess.StartAsync(("DASHBOARD__TELEMETRYLIMITS__MAXBYTES", "100000"));
        var large = Otlp.Text("payload", new string('x', 10_000));
        for (var i = 1; i <= 20; i++)
            await dashboard.SendAsync("traces", Otlp.Spans("api", Otlp.Span(i, 1, 0, $"trace {i}", i, i + 1, attributes: [large])));

        Assert.InRange((await dashboard.GetAsync("/api/ui/traces")).GetProperty("total").GetInt32(), 8, 9);

        using var http = new HttpClient();
        using var payload = new ByteArrayContent(JsonSerializer.SerializeToUtf8Bytes(Otlp.Spans("api", [.. Enumerable.Range(1, 10).Select(i => Otlp.Span(99, i, 0, "big", i, i + 1, attributes: [large]))])));
        payload.Headers.ContentType = new("application/json");
        using var response = await http.PostAsync($"{dashboard.OtlpUrl}/v1/traces", payload, TestContext.Current.CancellationToken);
        Assert.Contains("is too large", await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
        Assert.InRange((await dashboard.GetAsync("/api/ui/traces")).GetProperty("total").GetInt32(), 5, 6);
    }

    [Fact]
    public async Task Attributes_beyond_the_limits_are_dropped_and_long_texts_are_cut()
    {
        await using var dashboard = await DashboardProcess.StartAsync(("DASHBOARD__TELEMETRYLIMITS__MAXATTRIBUTECOUNT", "2"), ("DASHBOARD__TELEMETRYLIMITS__MAXATTRIBUTELENGTH", "3"));
        await dashboard.SendAsync("traces", Otlp.Spans("api", Otlp.Span(1, 1, 0, "a name is no attribute", 0, 1, attributes: [Otlp.Text("a", "12345"), Otlp.Number("b", 12345), Otlp.Text("c", "")])));
        await dashboard.SendAsync("logs", Otlp.Logs("api", Otlp.Log(1, 9, "long body", 0, 0, Otlp.Text("a", "12345"), Otlp.Text("b", "x"), Otlp.Text("c", "y"))));

        var span = (await dashboard.GetAsync($"/api/ui/traces/{Otlp.TraceId(1)}")).GetProperty("spans")[0];
        var log = await dashboard.GetAsync("/api/ui/logs/1");

        Assert.Equal("a name is no attribute", span.GetProperty("name").GetString());
        Assert.Equal("""[{"key":"a","value":"123"},{"key":"b","value":12345}]""", span.GetProperty("attributes").GetRawText());
        Assert.Equal("""[{"key":"a","value":"123"},{"key":"b","value":"x"}]""", log.GetProperty("attributes").GetRawText());
        Assert.Equal("lon", log.GetProperty("log").GetProperty("message").GetString());
    }

    [Fact]
    public async Task A_span_that_is_sent_twice_is_kept_once()
    {
        await using var dashboard = await DashboardProcess.StartAsync();
        var spans = Otlp.Spans("api", [.. Enumerable.Range(1, 30).Select(i => Otlp.Span(1, i, i - 1, "step", i, i + 1))]);

        await dashboard.SendAsync("traces", spans);
        await dashboard.SendAsync("traces", spans);

        Assert.Equal(30, await SpansAsync(dashboard));
    }

    [Fact]
    public async Task Too_many_time_series_of_an_instrument_are_turned_away()
    {
        await using var dashboard = await DashboardProcess.StartAsync(("DASHBOARD__TELEMETRYLIMITS__MAXSERIESCOUNT", "2"));
        using var http = new HttpClient();
        var points = Enumerable.Range(1, 5).Select(i => new { timeUnixNano = Otlp.Nano(0), asDouble = i, attributes = new[] { Otlp.Number("user", i) } });
        using var payload = new ByteArrayContent(JsonSerializer.SerializeToUtf8Bytes(Otlp.Metrics("api", new { name = "logins", gauge = new { dataPoints = points } })));
        payload.Headers.ContentType = new("application/json");

        using var response = await http.PostAsync($"{dashboard.OtlpUrl}/v1/metrics", payload, TestContext.Current.CancellationToken);

        Assert.Contains("\"rejectedDataPoints\":\"3\"", await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
        var instrument = (await dashboard.GetAsync("/api/ui/metrics")).GetProperty("resources")[0].GetProperty("meters")[0].GetProperty("instruments")[0];
        Assert.Equal((2, true), (instrument.GetProperty("series").GetInt32(), instrument.GetProperty("overflow").GetBoolean()));
    }

    static async Task<int> SpansAsync(DashboardProcess dashboard) => (await dashboard.GetAsync("/api/telemetry/spans?limit=1")).GetProperty("totalCount").GetInt32();

    static IEnumerable<string?> Texts(JsonElement json, string list, string property) => json.GetProperty(list).EnumerateArray().Select(item => item.GetProperty(property).GetString());
}

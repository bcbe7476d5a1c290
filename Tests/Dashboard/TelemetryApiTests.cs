using System.Net;
using System.Text.Json;

namespace AspireJobs.Tests.Dashboard;

/// <summary>Aspire's HTTP API for scripts.</summary>
public sealed class TelemetryApiTests
{
    static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Spans_come_as_OTLP_and_can_be_narrowed_down()
    {
        await using var dashboard = await WithSpansAsync();

        var document = await dashboard.GetAsync("/api/telemetry/spans?limit=2");

        Assert.Equal((3, 2), (document.GetProperty("totalCount").GetInt32(), document.GetProperty("returnedCount").GetInt32()));
        var newest = document.GetProperty("data").GetProperty("resourceSpans").EnumerateArray().Last();
        Assert.Equal("worker", newest.GetProperty("resource").GetProperty("attributes")[0].GetProperty("value").GetProperty("stringValue").GetString());
        var span = newest.GetProperty("scopeSpans")[0].GetProperty("spans")[0];
        Assert.Equal((Otlp.TraceId(1), Otlp.SpanId(3), Otlp.SpanId(1)), (span.GetProperty("traceId").GetString(), span.GetProperty("spanId").GetString(), span.GetProperty("parentSpanId").GetString()));
        Assert.Equal((Otlp.Nano(5), 2), (span.GetProperty("startTimeUnixNano").GetString(), span.GetProperty("status").GetProperty("code").GetInt32()));
        foreach (var (query, count) in new[] { ("resource=api", 2), ("resource=worker-one", 1), ("hasError=true", 1), ("hasError=false", 2), ($"traceId={Otlp.TraceId(2)}", 1) })
            Assert.Equal(count, (await dashboard.GetAsync($"/api/telemetry/spans?{query}")).GetProperty("totalCount").GetInt32());
    }

    [Fact]
    public async Task Traces_come_whole()
    {
        await using var dashboard = await WithSpansAsync();

        var failed = await dashboard.GetAsync("/api/telemetry/traces?hasError=true");
        var one = await dashboard.GetAsync($"/api/telemetry/traces/{Otlp.TraceId(2)}");

        Assert.Equal((1, 2), (failed.GetProperty("totalCount").GetInt32(), failed.GetProperty("data").GetProperty("resourceSpans").GetArrayLength()));
        Assert.Equal(1, one.GetProperty("returnedCount").GetInt32());
        Assert.Equal("""[{"name":"api","instanceId":"one","displayName":"api","hasLogs":false,"hasTraces":true,"hasMetrics":false},{"name":"worker","instanceId":"one","displayName":"worker","hasLogs":false,"hasTraces":true,"hasMetrics":false}]""",
            (await dashboard.GetAsync("/api/telemetry/resources")).GetRawText());
    }

    [Theory]
    [InlineData("/api/telemetry/spans?resource=nobody", HttpStatusCode.NotFound)]
    [InlineData("/api/telemetry/logs?resource=nobody", HttpStatusCode.NotFound)]
    [InlineData("/api/telemetry/traces?resource=nobody", HttpStatusCode.NotFound)]
    [InlineData("/api/telemetry/traces/4bf92f3577b34da6a3ce929d0e0e4736", HttpStatusCode.NotFound)]
    [InlineData("/api/telemetry/spans?traceId=1", HttpStatusCode.BadRequest)]
    [InlineData("/api/telemetry/logs?severity=Loud", HttpStatusCode.BadRequest)]
    public async Task What_there_is_not_is_told_as_a_problem(string path, HttpStatusCode expected)
    {
        await using var dashboard = await DashboardProcess.StartAsync();

        using var response = await dashboard.Browser.GetAsync(path, Stop);

        Assert.Equal((expected, "application/problem+json"), (response.StatusCode, response.Content.Headers.ContentType!.MediaType));
    }

    [Fact]
    public async Task A_follower_gets_what_is_there_and_then_each_span_as_it_comes()
    {
        await using var dashboard = await WithSpansAsync();
        using var response = await dashboard.Browser.GetAsync("/api/telemetry/spans?resource=api&follow=true", HttpCompletionOption.ResponseHeadersRead, Stop);
        using var lines = new StreamReader(await response.Content.ReadAsStreamAsync(Stop));

        Assert.Equal("application/x-ndjson", response.Content.Headers.ContentType!.MediaType);
        Assert.Equal("request", await NextAsync(lines));
        Assert.Equal("other", await NextAsync(lines));
        await dashboard.SendAsync("traces", Otlp.Spans("worker", Otlp.Span(3, 8, 0, "not asked for", 0, 1)));
        await dashboard.SendAsync("traces", Otlp.Spans("api", Otlp.Span(3, 9, 0, "new", 0, 1)));
        Assert.Equal("new", await NextAsync(lines));

        static async Task<string?> NextAsync(StreamReader lines) => JsonSerializer.Deserialize<JsonElement>((await lines.ReadLineAsync(Stop))!)
            .GetProperty("resourceSpans")[0].GetProperty("scopeSpans")[0].GetProperty("spans")[0].GetProperty("name").GetString();
    }

    [Fact]
    public async Task Log_records_are_narrowed_down_by_severity_trace_and_resource_and_followed()
    {
        await using var dashboard = await DashboardProcess.StartAsync();
        await dashboard.SendAsync("logs", Otlp.Logs("api", Otlp.Log(1, 5, "debug"), Otlp.Log(2, 9, "info", 1, 1), Otlp.Log(3, 13, "warning"), Otlp.Log(4, 21, "critical")));
        await dashboard.SendAsync("logs", Otlp.Logs("worker", Otlp.Log(5, 17, "error")));

        foreach (var (query, expected) in new[] { ("severity=warning", "warning|critical|error"), ("severity=Critical", "critical"), ($"traceId={Otlp.TraceId(1)}", "info"), ("resource=worker", "error"), ("limit=2", "critical|error") })
            Assert.Equal(expected, string.Join('|', Bodies(await dashboard.GetAsync($"/api/telemetry/logs?{query}"))));

        using var response = await dashboard.Browser.GetAsync("/api/telemetry/logs?severity=Error&follow=true", HttpCompletionOption.ResponseHeadersRead, Stop);
        using var lines = new StreamReader(await response.Content.ReadAsStreamAsync(Stop));
        Assert.Contains("critical", await lines.ReadLineAsync(Stop));
        Assert.Contains("error", await lines.ReadLineAsync(Stop));
        await dashboard.SendAsync("logs", Otlp.Logs("api", Otlp.Log(6, 9, "quiet"), Otlp.Log(7, 17, "loud")));
        Assert.Contains("loud", await lines.ReadLineAsync(Stop));

        static IEnumerable<string?> Bodies(JsonElement document) => document.GetProperty("data").GetProperty("resourceLogs").EnumerateArray()
            .SelectMany(r => r.GetProperty("scopeLogs").EnumerateArray()).SelectMany(s => s.GetProperty("logRecords").EnumerateArray()).Select(l => l.GetProperty("body").GetProperty("stringValue").GetString());
    }

    [Fact]
    public async Task Pages_hear_of_changes_and_a_stop_does_not_wait_for_them()
    {
        await using var dashboard = await DashboardProcess.StartAsync();
        using var response = await dashboard.Browser.GetAsync("/api/ui/changes", HttpCompletionOption.ResponseHeadersRead, Stop);
        using var lines = new StreamReader(await response.Content.ReadAsStreamAsync(Stop));

        Assert.Equal("""{"resources":0,"traces":0,"logs":0,"metrics":0}""", await lines.ReadLineAsync(Stop));
        await dashboard.SendAsync("logs", Otlp.Logs("api", Otlp.Log(1, 9, "x")));
        Assert.Equal("""{"resources":0,"traces":0,"logs":1,"metrics":0}""", await lines.ReadLineAsync(Stop));
    }

    static async Task<DashboardProcess> WithSpansAsync()
    {
        var dashboard = await DashboardProcess.StartAsync();
        await dashboard.SendAsync("traces", Otlp.Spans("api", Otlp.Span(1, 1, 0, "request", 0, 10), Otlp.Span(2, 2, 0, "other", 3, 4)));
        await dashboard.SendAsync("traces", Otlp.Spans("worker", Otlp.Span(1, 3, 1, "work", 5, 9, isError: true)));
        return dashboard;
    }
}

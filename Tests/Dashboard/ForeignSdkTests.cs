using System.Text.Json;
using AspireJobs.Tests.Infrastructure;

namespace AspireJobs.Tests.Dashboard;

/// <summary>What OpenTelemetry's JavaScript SDK sends, over every transport that it has.</summary>
public sealed class ForeignSdkTests
{
    [Theory]
    [InlineData("grpc", "none")]
    [InlineData("grpc", "gzip")]
    [InlineData("proto", "none")]
    [InlineData("proto", "gzip")]
    [InlineData("http", "none")]
    [InlineData("http", "gzip")]
    public async Task Traces_logs_and_metrics_arrive_whole(string protocol, string compression)
    {
        await using var dashboard = await DashboardProcess.StartAsync(("DASHBOARD__OTLP__PRIMARYAPIKEY", "key-of-the-test"));

        var traceId = await SendAsync(protocol, protocol == "grpc" ? dashboard.GrpcUrl : dashboard.OtlpUrl, compression, "key-of-the-test");

        var trace = await dashboard.GetAsync($"/api/ui/traces/{traceId}");
        var spans = trace.GetProperty("spans").EnumerateArray().ToArray();
        Assert.Equal(["<b>order</b>", "payment"], spans.Select(span => span.GetProperty("name").GetString()));
        Assert.Equal(("Server", "Unset", "shop"), (Text(spans[0], "kind"), Text(spans[0], "status"), Text(spans[0], "scope")));
        Assert.Equal("""[{"key":"text","value":"na\u00EFve \u2603"},{"key":"whole","value":42},{"key":"fraction","value":1.5},{"key":"yes","value":true},{"key":"list","value":["a","b"]}]""", spans[0].GetProperty("attributes").GetRawText());
        Assert.Equal(("Client", "Error", "no funds"), (Text(spans[1], "kind"), Text(spans[1], "status"), Text(spans[1], "statusMessage")));
        Assert.Equal("asked", Text(spans[1].GetProperty("events")[0], "name"));
        Assert.Equal((Text(spans[0], "id"), "<b>order</b>"), (Text(spans[1].GetProperty("links")[0], "spanId"), Text(spans[1].GetProperty("links")[0], "name")));
        Assert.Equal("payment", Text(spans[0].GetProperty("backlinks")[0], "name"));

        var log = Assert.Single(trace.GetProperty("logs").EnumerateArray());
        Assert.Equal(("Warning", "order refused", "order_refused", Text(spans[0], "id")), (Text(log, "severity"), Text(log, "message"), Text(log, "event"), Text(log, "spanId")));

        var instruments = (await dashboard.GetAsync("/api/ui/metrics")).GetProperty("resources")[0].GetProperty("meters")[0].GetProperty("instruments").EnumerateArray();
        Assert.Equal(["latency histogram s", "open updown ", "orders counter {order}"], instruments.Select(i => $"{Text(i, "name")} {Text(i, "kind")} {Text(i, "unit")}"));
        var orders = await dashboard.GetAsync("/api/ui/metrics/series?resource=foreign&meter=shop&instrument=orders");
        Assert.Equal("web", Text(orders.GetProperty("series")[0].GetProperty("attributes"), "kind"));
        Assert.Equal(3, orders.GetProperty("total").EnumerateArray().Last(value => value.ValueKind == JsonValueKind.Number).GetDouble());
    }

    [Theory]
    [InlineData("grpc")]
    [InlineData("proto")]
    public async Task A_sender_with_the_wrong_key_is_turned_away(string protocol)
    {
        await using var dashboard = await DashboardProcess.StartAsync(("DASHBOARD__OTLP__PRIMARYAPIKEY", "key-of-the-test"));

        Assert.Contains("unauth", await SendAsync(protocol, protocol == "grpc" ? dashboard.GrpcUrl : dashboard.OtlpUrl, "none", "other"), StringComparison.OrdinalIgnoreCase);

        Assert.Equal(0, (await dashboard.GetAsync("/api/ui/traces")).GetProperty("total").GetInt32());
        Assert.Equal(0, (await dashboard.GetAsync("/api/ui/logs")).GetProperty("total").GetInt32());
        Assert.Empty((await dashboard.GetAsync("/api/telemetry/resources")).EnumerateArray());
    }

    /// <returns>The id of the trace, or what the SDK says of a receiver that does not take it.</returns>
    static async Task<string> SendAsync(string protocol, string url, string compression, string key) =>
        (await Foreign.RunAsync("send.js", [protocol, url, compression, "foreign", key])).TrimEnd();

    static string? Text(JsonElement json, string property) => json.GetProperty(property).GetString();
}

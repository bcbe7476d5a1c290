using System.Buffers.Binary;
using System.IO.Compression;
using System.Net;
using System.Text;
using System.Text.Json;

namespace AspireJobs.Tests.Dashboard;

/// <summary>What the receiver answers to senders that do it wrong.</summary>
public sealed class ReceiverTests(ReceiverTests.SmallDashboard shared) : IClassFixture<ReceiverTests.SmallDashboard>
{
    const int Limit = 100_000;

    static readonly byte[] NoProtobuf = [0x0a, 0xff, 0xff, 0xff, 0xff, 0x0f];

    DashboardProcess Dashboard => shared.Dashboard;

    static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("application/json", "{", 400, "not JSON")]
    [InlineData("application/json", "[]", 400, "$ must be an object")]
    [InlineData("application/json", """{"resourceSpans":{}}""", 400, "$.resourceSpans must be an array")]
    [InlineData("application/json", """{"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":"xyz"}]}]}]}""", 400, "$.resourceSpans[0].scopeSpans[0].spans[0].traceId must be hexadecimal digits")]
    [InlineData("application/json", """{"resourceSpans":[{"scopeSpans":[{"spans":[{"startTimeUnixNano":"soon"}]}]}]}""", 400, "startTimeUnixNano must be a whole number of 64 bits, not below zero")]
    [InlineData("text/plain", "hello", 415, "Content-Type must be application/x-protobuf or application/json")]
    public async Task A_wrong_body_is_refused_with_its_fault(string type, string body, int status, string fault)
    {
        var (actual, answer) = await PostAsync("traces", Encoding.UTF8.GetBytes(body), type);

        Assert.Equal((status, true), ((int)actual, answer.Contains(fault, StringComparison.Ordinal)));
        await AssertUnharmedAsync();
    }

    [Theory]
    [InlineData("traces")]
    [InlineData("logs")]
    [InlineData("metrics")]
    public async Task Bytes_that_are_no_Protobuf_are_refused(string signal)
    {
        var (status, answer) = await PostAsync(signal, NoProtobuf, "application/x-protobuf");
        var (grpcStatus, grpcMessage) = await CallAsync($"/opentelemetry.proto.collector.{(signal == "traces" ? "trace" : signal)}.v1.{Service(signal)}/Export", Frame(NoProtobuf));

        Assert.Equal((HttpStatusCode.BadRequest, true), (status, answer.Contains("is not OTLP in Protobuf", StringComparison.Ordinal)));
        Assert.Equal(("3", true), (grpcStatus, grpcMessage.Contains("is not OTLP in Protobuf", StringComparison.Ordinal)));
        await AssertUnharmedAsync();
    }

    [Fact]
    public async Task What_is_small_when_packed_and_large_when_unpacked_is_refused()
    {
        var bomb = Gzip(new byte[Limit + 1]);

        var (status, answer) = await PostAsync("traces", bomb, "application/x-protobuf", "gzip");
        var (grpcStatus, grpcMessage) = await CallAsync(TraceMethod, Frame(bomb, isCompressed: true), "gzip");

        Assert.True(bomb.Length < Limit / 100);
        Assert.Equal((HttpStatusCode.RequestEntityTooLarge, true), (status, answer.Contains($"more than {Limit} bytes", StringComparison.Ordinal)));
        Assert.Equal(("8", true), (grpcStatus, grpcMessage.Contains($"more than {Limit} bytes", StringComparison.Ordinal)));
        await AssertUnharmedAsync();
    }

    [Fact]
    public async Task The_smallest_number_that_there_is_is_taken_and_shown()
    {
        var span = $$$$"""{"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":"{{{{Otlp.TraceId(93)}}}}","spanId":"0000000000000093","name":"small","startTimeUnixNano":"1","endTimeUnixNano":"2","attributes":[{"key":"n","value":{"intValue":"{{{{long.MinValue}}}}"}}]}]}]}]}""";

        var (status, answer) = await PostAsync("traces", Encoding.UTF8.GetBytes(span), "application/json");

        Assert.True(status == HttpStatusCode.OK, answer);
        Assert.Contains($"{long.MinValue}", (await Dashboard.GetAsync($"/api/ui/traces/{Otlp.TraceId(93)}")).GetRawText());
    }

    [Theory]
    [InlineData("gzip", HttpStatusCode.BadRequest, "not gzip")]
    [InlineData("br", HttpStatusCode.UnsupportedMediaType, "gzip, deflate or identity")]
    public async Task A_body_that_is_not_packed_as_it_says_is_refused(string encoding, HttpStatusCode expected, string fault)
    {
        var (status, answer) = await PostAsync("logs", "{}"u8.ToArray(), "application/json", encoding);

        Assert.Equal((expected, true), (status, answer.Contains(fault, StringComparison.Ordinal)));
    }

    [Fact]
    public async Task Calls_that_are_no_export_are_told_so()
    {
        Assert.Equal("12", (await CallAsync("/opentelemetry.proto.collector.trace.v1.TraceService/Import", Frame([]))).Status);
        Assert.Equal("12", (await CallAsync(TraceMethod, Frame([]), "snappy")).Status);
        Assert.Equal("3", (await CallAsync(TraceMethod, [0, 0, 0, 0, 9])).Status);
        Assert.Equal("3", (await CallAsync(TraceMethod, Frame([], isCompressed: true))).Status);
        Assert.Equal("0", (await CallAsync(TraceMethod, Frame([]))).Status);
        Assert.Equal(HttpStatusCode.NotFound, (await PostAsync("profiles", "{}"u8.ToArray(), "application/json")).Status);
    }

    [Fact]
    public async Task What_can_be_kept_of_a_request_is_kept_and_the_rest_is_told()
    {
        var payload = JsonSerializer.SerializeToUtf8Bytes(Otlp.Spans("partial", Otlp.Span(91, 1, 0, "good", 0, 1), Otlp.Span(0, 2, 0, "without a trace", 0, 1)));

        var (status, answer) = await PostAsync("traces", payload, "application/json");

        Assert.Equal(HttpStatusCode.OK, status);
        Assert.StartsWith("""{"partialSuccess":{"rejectedSpans":"1","errorMessage":"A span needs a trace id of 16 bytes""", answer);
        Assert.Equal("good", (await Dashboard.GetAsync($"/api/ui/traces/{Otlp.TraceId(91)}")).GetProperty("name").GetString());
    }

    [Fact]
    public async Task Pages_send_from_the_browser_where_their_origin_is_allowed()
    {
        await using var some = await DashboardProcess.StartAsync(("DASHBOARD__OTLP__CORS__ALLOWEDORIGINS", "https://shop.example, https://*.other.example"));
        await using var all = await DashboardProcess.StartAsync(("DASHBOARD__OTLP__CORS__ALLOWEDORIGINS", "*"));

        foreach (var (dashboard, origin, expected) in new[]
        {
            (some, "https://shop.example", "https://shop.example"), (some, "https://a.other.example", "https://a.other.example"), (some, "https://anybody.example", null),
            (all, "https://anybody.example", "*"), (Dashboard, "https://shop.example", null),
        })
        {
            using var http = new HttpClient { BaseAddress = new(dashboard.OtlpUrl), DefaultRequestHeaders = { { "Origin", origin } } };
            using var question = new HttpRequestMessage(HttpMethod.Options, "/v1/traces") { Headers = { { "Access-Control-Request-Method", "POST" }, { "Access-Control-Request-Headers", "content-type,x-otlp-api-key" } } };
            using var answer = await http.SendAsync(question, Stop);
            using var sent = await http.PostAsync("/v1/traces", new StringContent("{}", Encoding.UTF8, "application/json"), Stop);

            Assert.Equal((expected, expected), (Header(answer, "Access-Control-Allow-Origin"), Header(sent, "Access-Control-Allow-Origin")));
            Assert.Equal(expected is null ? null : "content-type,content-encoding,x-otlp-api-key,x-requested-with", Header(answer, "Access-Control-Allow-Headers"));
        }

        static string? Header(HttpResponseMessage response, string name) => response.Headers.TryGetValues(name, out var values) ? string.Join(',', values) : null;
    }

    [Fact]
    public async Task A_port_has_only_what_it_is_for()
    {
        using var http = new HttpClient();
        Assert.Equal(HttpStatusCode.NotFound, (await http.GetAsync(new Uri($"{Dashboard.OtlpUrl}/login"), Stop)).StatusCode);
        Assert.Equal(HttpStatusCode.NotFound, (await http.GetAsync(new Uri($"{Dashboard.OtlpUrl}/api/ui/traces"), Stop)).StatusCode);
        using var onFrontend = await Dashboard.Browser.PostAsync("/v1/traces", new StringContent("{}", Encoding.UTF8, "application/json"), Stop);
        Assert.False(onFrontend.IsSuccessStatusCode);
    }

    const string TraceMethod = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";

    static string Service(string signal) => signal switch { "traces" => "TraceService", "logs" => "LogsService", _ => "MetricsService" };

    async Task<(HttpStatusCode Status, string Answer)> PostAsync(string signal, byte[] body, string type, string? encoding = null)
    {
        using var http = new HttpClient();
        using var content = new ByteArrayContent(body);
        content.Headers.ContentType = new(type);
        if (encoding is not null)
            content.Headers.ContentEncoding.Add(encoding);
        using var response = await http.PostAsync(new Uri($"{Dashboard.OtlpUrl}/v1/{signal}"), content, Stop);
        return (response.StatusCode, await response.Content.ReadAsStringAsync(Stop));
    }

    async Task<(string Status, string Message)> CallAsync(string method, byte[] framed, string? encoding = null)
    {
        using var http = new HttpClient { DefaultRequestVersion = HttpVersion.Version20, DefaultVersionPolicy = HttpVersionPolicy.RequestVersionExact };
        using var content = new ByteArrayContent(framed);
        content.Headers.ContentType = new("application/grpc");
        if (encoding is not null)
            content.Headers.Add("grpc-encoding", encoding);
        using var response = await http.PostAsync(new Uri($"{Dashboard.GrpcUrl}{method}"), content, Stop);
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        await response.Content.ReadAsByteArrayAsync(Stop);
        var outcome = response.Headers.Contains("grpc-status") ? response.Headers : response.TrailingHeaders;
        return (outcome.GetValues("grpc-status").Single(), outcome.TryGetValues("grpc-message", out var message) ? Uri.UnescapeDataString(message.Single()) : "");
    }

    async Task AssertUnharmedAsync()
    {
        await Dashboard.SendAsync("traces", Otlp.Spans("unharmed", Otlp.Span(92, 1, 0, "still here", 0, 1)));
        Assert.Equal("still here", (await Dashboard.GetAsync($"/api/ui/traces/{Otlp.TraceId(92)}")).GetProperty("name").GetString());
    }

    static byte[] Frame(byte[] message, bool isCompressed = false)
    {
        var framed = new byte[5 + message.Length];
        framed[0] = (byte)(isCompressed ? 1 : 0);
        BinaryPrimitives.WriteInt32BigEndian(framed.AsSpan(1), message.Length);
        message.CopyTo(framed, 5);
        return framed;
    }

    static byte[] Gzip(byte[] plain)
    {
        using var packed = new MemoryStream();
        using (var gzip = new GZipStream(packed, CompressionLevel.SmallestSize))
            gzip.Write(plain);
        return packed.ToArray();
    }

    public sealed class SmallDashboard : IAsyncLifetime
    {
        internal DashboardProcess Dashboard { get; private set; } = null!;

        public async ValueTask InitializeAsync() => Dashboard = await DashboardProcess.StartAsync(("DASHBOARD__OTLP__MAXREQUESTBYTES", $"{Limit}"));

        public ValueTask DisposeAsync() => Dashboard.DisposeAsync();
    }
}

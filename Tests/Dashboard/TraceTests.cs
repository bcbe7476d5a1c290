using System.IO.Compression;
using System.Net;
using System.Text;
using System.Text.Json;

namespace AspireJobs.Tests.Dashboard;

/// <summary>Traces as the pages show them.</summary>
public sealed class TraceTests(TraceTests.OneDashboard shared) : IClassFixture<TraceTests.OneDashboard>
{
    DashboardProcess Dashboard => shared.Dashboard;

    static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_waterfall_goes_down_the_tree_and_marks_what_the_end_waited_for()
    {
        await Dashboard.SendAsync("traces", Otlp.Spans("waterfall",
            Otlp.Span(1, 4, 3, "write", 30, 45),
            Otlp.Span(1, 2, 1, "read", 5, 15),
            Otlp.Span(1, 1, 0, "request", 0, 50),
            Otlp.Span(1, 3, 1, "save", 20, 45),
            Otlp.Span(1, 5, 1, "log, on the side", 20, 30)));

        var spans = (await TraceAsync(1)).GetProperty("spans").EnumerateArray().ToArray();

        Assert.Equal(["0 request", "1 read", "1 save", "2 write", "1 log, on the side"], spans.Select(span => $"{span.GetProperty("depth")} {span.GetProperty("name")}"));
        Assert.Equal(["[[0,5],[15,20],[45,50]]", "[[5,15]]", "[[20,30]]", "[[30,45]]", "[]"], spans.Select(span => span.GetProperty("critical").GetRawText()));
    }

    [Fact]
    public async Task Work_that_was_queued_is_waited_for_though_its_parent_has_ended()
    {
        await Dashboard.SendAsync("traces", Otlp.Spans("queued", Otlp.Span(2, 1, 0, "submit", 0, 10), Otlp.Span(2, 2, 1, "execute", 40, 100)));

        var trace = await TraceAsync(2);

        Assert.Equal(100, trace.GetProperty("duration").GetDouble());
        Assert.Equal(["[[0,10]]", "[[40,100]]"], trace.GetProperty("spans").EnumerateArray().Select(span => span.GetProperty("critical").GetRawText()));
    }

    [Fact]
    public async Task A_parent_that_has_not_come_is_shown_as_missing_until_it_comes()
    {
        var start = Otlp.Now - 100;
        await Dashboard.SendAsync("traces", Otlp.Spans("growing", Otlp.Span(3, 2, 1, "first", start + 10, start + 20), Otlp.Span(3, 3, 1, "second", start + 30, start + 40)));

        var before = await TraceAsync(3);
        await Dashboard.SendAsync("traces", Otlp.Spans("growing", Otlp.Span(3, 1, 0, "all of it", start, start + 50)));
        var after = await TraceAsync(3);

        Assert.Equal((true, "0 (not received) True|1 first False|1 second False"), (before.GetProperty("growing").GetBoolean(), Tree(before)));
        Assert.Equal((false, "0 all of it False|1 first False|1 second False"), (after.GetProperty("growing").GetBoolean(), Tree(after)));

        static string Tree(JsonElement trace) => string.Join('|', trace.GetProperty("spans").EnumerateArray().Select(s => $"{s.GetProperty("depth")} {s.GetProperty("name")} {s.GetProperty("missing").GetBoolean()}"));
    }

    [Fact]
    public async Task A_trace_that_comes_long_after_its_end_does_not_run()
    {
        await Dashboard.SendAsync("traces", Otlp.Spans("old", Otlp.Span(11, 2, 1, "part", 10, 20)));

        var trace = await TraceAsync(11);

        Assert.True(trace.GetProperty("spans")[0].GetProperty("missing").GetBoolean());
        Assert.False(trace.GetProperty("growing").GetBoolean());
    }

    [Fact]
    public async Task A_parent_in_the_same_process_is_waited_for_longer_than_one_that_may_be_anybodys()
    {
        // The flags say whether the parent is known to be local; a minute ago the span ended.
        var end = Otlp.Now - 60_000;
        await Dashboard.SendAsync("traces", Otlp.Spans("silent", Otlp.Span(12, 2, 1, "part", end - 10, end, flags: 0x101), Otlp.Span(13, 2, 1, "part", end - 10, end, flags: 0x301)));

        Assert.Equal((true, false), ((await TraceAsync(12)).GetProperty("growing").GetBoolean(), (await TraceAsync(13)).GetProperty("growing").GetBoolean()));
    }

    [Fact]
    public async Task Spans_that_name_each_other_as_parents_and_spans_deeper_than_a_stack_are_shown()
    {
        await Dashboard.SendAsync("traces", Otlp.Spans("circle", Otlp.Span(4, 1, 2, "hen", 0, 1), Otlp.Span(4, 2, 1, "egg", 0, 1), Otlp.Span(4, 3, 3, "self", 0, 1)));
        await Dashboard.SendAsync("traces", Otlp.Spans("deep", [.. Enumerable.Range(1, 20_000).Select(i => Otlp.Span(5, i, i - 1, "deeper", i, 20_001))]));

        Assert.Equal(3, (await TraceAsync(4)).GetProperty("spans").GetArrayLength());
        var deep = (await TraceAsync(5)).GetProperty("spans");
        Assert.Equal((20_000, 19_999), (deep.GetArrayLength(), deep[19_999].GetProperty("depth").GetInt32()));
    }

    [Fact]
    public async Task Links_are_followed_both_ways_across_traces()
    {
        await Dashboard.SendAsync("traces", Otlp.Spans("linked", Otlp.Span(6, 1, 0, "cause", 0, 1)));
        await Dashboard.SendAsync("traces", Otlp.Spans("linked", Otlp.Span(7, 2, 0, "effect", 5, 6, links: [new { traceId = Otlp.TraceId(6), spanId = Otlp.SpanId(1) }])));

        var link = (await TraceAsync(7)).GetProperty("spans")[0].GetProperty("links")[0];
        var back = (await TraceAsync(6)).GetProperty("spans")[0].GetProperty("backlinks")[0];

        Assert.Equal((Otlp.TraceId(6), "cause"), (link.GetProperty("traceId").GetString(), link.GetProperty("name").GetString()));
        Assert.Equal((Otlp.TraceId(7), "effect"), (back.GetProperty("traceId").GetString(), back.GetProperty("name").GetString()));
    }

    [Theory]
    [InlineData("resource=search-a", "slow|fast")]
    [InlineData("resource=search-a&text=SLO", "slow")]
    [InlineData("resource=search-a&hasError=true", "fast")]
    [InlineData("resource=search-a&minDuration=50", "slow")]
    [InlineData("resource=search-a&maxDuration=50", "fast")]
    [InlineData("resource=search-a&type=http", "fast")]
    [InlineData("resource=search-a&filter=http.response.status_code:ge:500", "fast")]
    [InlineData("resource=search-a&filter=http.response.status_code:gt:1000", "")]
    [InlineData("resource=search-a&filter=job%253Aid:eq:J-1", "slow")]
    [InlineData("resource=search-a&filter=job%253Aid:exists", "slow")]
    [InlineData("resource=search-a&filter=name:contains:low&filter=status:eq:unset", "slow")]
    [InlineData("resource=search-a&sort=duration&descending=false", "fast|slow")]
    [InlineData("resource=search-a&sort=start&descending=false", "fast|slow")]
    [InlineData("resource=search-a&limit=1&offset=1", "fast")]
    [InlineData("resource=nobody", "")]
    public async Task Traces_are_found_by_what_is_in_them(string query, string expected)
    {
        await Dashboard.SendAsync("traces", Otlp.Spans("search-a",
            Otlp.Span(8, 1, 0, "fast", 0, 10, isError: true, attributes: [Otlp.Text("http.request.method", "GET"), Otlp.Number("http.response.status_code", 503)]),
            Otlp.Span(9, 1, 0, "slow", 20, 120, attributes: [Otlp.Text("job:id", "j-1")])));

        var traces = (await Dashboard.GetAsync($"/api/ui/traces?{query}")).GetProperty("traces").EnumerateArray();

        Assert.Equal(expected, string.Join('|', traces.Select(trace => trace.GetProperty("name").GetString())));
    }

    [Theory]
    [InlineData("filter=duration:above:5", "'duration:above:5' is not a filter")]
    [InlineData("sort=color", "'color' is not an order")]
    [InlineData("minDuration=long", "MinDuration")]
    public async Task A_query_that_makes_no_sense_is_refused(string query, string fault)
    {
        using var response = await Dashboard.Browser.GetAsync($"/api/ui/traces?{query}", Stop);

        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        Assert.Contains(fault, (await response.Content.ReadAsStringAsync(Stop)).Replace("\\u0027", "'", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_trace_that_is_exported_and_imported_elsewhere_is_the_same()
    {
        await Dashboard.SendAsync("traces", Otlp.Spans("travel", Otlp.Span(10, 1, 0, "there", 0, 10, attributes: [Otlp.Number("n", 1)]), Otlp.Span(10, 2, 1, "and back", 2, 8, isError: true)));
        await Dashboard.SendAsync("logs", Otlp.Logs("travel", Otlp.Log(5, 17, "halfway", 10, 2, Otlp.Text("k", "v"))));
        await using var other = await DashboardProcess.StartAsync();

        using var export = await Dashboard.Browser.GetAsync($"/api/ui/traces/{Otlp.TraceId(10)}/export", Stop);
        using var import = await other.Browser.PostAsync("/api/ui/import", new ByteArrayContent(await export.Content.ReadAsByteArrayAsync(Stop)), Stop);

        Assert.Equal($"trace-{Otlp.TraceId(10)}.json", export.Content.Headers.ContentDisposition!.FileName!.Trim('"'));
        Assert.Equal($$"""{"spans":2,"logs":1,"rejected":0,"reason":null,"traceIds":["{{Otlp.TraceId(10)}}"]}""", await import.Content.ReadAsStringAsync(Stop));
        var (original, copy) = (await TraceAsync(10), await other.GetAsync($"/api/ui/traces/{Otlp.TraceId(10)}"));
        Assert.Equal(original.GetProperty("spans").GetRawText(), copy.GetProperty("spans").GetRawText());
        Assert.Equal("halfway", copy.GetProperty("logs")[0].GetProperty("message").GetString());
    }

    [Fact]
    public async Task Answers_of_the_HTTP_API_and_zip_files_are_imported()
    {
        await Dashboard.SendAsync("traces", Otlp.Spans("zipped", Otlp.Span(14, 1, 0, "packed", 0, 10)));
        using var answer = await Dashboard.Browser.GetAsync($"/api/telemetry/traces/{Otlp.TraceId(14)}", Stop);
        var document = await answer.Content.ReadAsByteArrayAsync(Stop);
        using var zip = new MemoryStream();
        await using (var archive = new ZipArchive(zip, ZipArchiveMode.Create, leaveOpen: true))
        {
            await using (var trace = await archive.CreateEntry("traces/zipped.json").OpenAsync(Stop))
                await trace.WriteAsync(document, Stop);
            await using var console = await archive.CreateEntry("consolelogs/zipped.txt").OpenAsync(Stop);
        }

        await using var other = await DashboardProcess.StartAsync();
        foreach (var file in new[] { document, zip.ToArray() })
        {
            await other.Browser.DeleteAsync("/api/ui/telemetry?of=all", Stop);
            using var import = await other.Browser.PostAsync("/api/ui/import", new ByteArrayContent(file), Stop);
            Assert.Equal(HttpStatusCode.OK, import.StatusCode);
            Assert.Equal("packed", (await other.GetAsync($"/api/ui/traces/{Otlp.TraceId(14)}")).GetProperty("spans")[0].GetProperty("name").GetString());
        }
    }

    [Fact]
    public async Task A_file_that_is_no_trace_is_not_imported()
    {
        foreach (var (file, fault) in new[] { ("{}", "it is not OTLP JSON"), ("hello", "not JSON"), ("PK\u0003\u0004", "no zip"), ("""{"resourceSpans":[1]}""", "$.resourceSpans[0] must be an object") })
        {
            using var response = await Dashboard.Browser.PostAsync("/api/ui/import", new StringContent(file, Encoding.UTF8, "application/json"), Stop);
            Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
            Assert.Contains(fault, await response.Content.ReadAsStringAsync(Stop));
        }
    }

    Task<JsonElement> TraceAsync(int trace) => Dashboard.GetAsync($"/api/ui/traces/{Otlp.TraceId(trace)}");

    public sealed class OneDashboard : IAsyncLifetime
    {
        internal DashboardProcess Dashboard { get; private set; } = null!;

        public async ValueTask InitializeAsync() => Dashboard = await DashboardProcess.StartAsync();

        public ValueTask DisposeAsync() => Dashboard.DisposeAsync();
    }
}

using System.Net;
using System.Net.Http.Headers;
using System.Text.RegularExpressions;
using AspireJobs.Jobs;
using AspireJobs.Tests.Dashboards;
using AspireJobs.Tests.Infrastructure;

namespace AspireJobs.Tests.Telemetry;

/// <summary>What Prometheus gets from each of the three services.</summary>
[Collection(Watched.Name)]
public sealed partial class MetricsPageTests(WatchedSystem system)
{
    const string OpenMetrics = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    const string Text = "text/plain; version=0.0.4; charset=utf-8";
    const string Prometheus2 = "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1";
    const string Prometheus3 = "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,text/plain;version=0.0.4;escaping=allow-utf-8;q=0.5,*/*;q=0.1";

    // Fails on the first thing that is not OpenMetrics, and prints how many samples there are.
    const string ParseStrictly = "import sys; from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse; "
        + "print(sum(len(family.samples) for family in parse(sys.stdin.read())))";

    static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Promtool_finds_no_fault_in_the_text_format()
    {
        await RunAJobAsync();
        foreach (var service in system.Services)
            await Promtool.AcceptsPageAsync((await system.MetricsAsync(service.Address)).Text);
    }

    [Fact]
    public async Task The_strict_parser_takes_the_open_metrics_format()
    {
        await RunAJobAsync();
        foreach (var service in system.Services)
        {
            var page = await system.MetricsAsync(service.Address, OpenMetrics);
            // Debian's interpreter, which has Debian's modules.
            var samples = await Checker.AcceptsAsync("/usr/bin/python3", "python3-prometheus-client", ["-c", ParseStrictly], page.Text);
            Assert.Equal(page.Series.Count, int.Parse(samples, System.Globalization.CultureInfo.InvariantCulture));
        }
    }

    [Fact]
    public async Task No_series_is_there_twice_in_either_format()
    {
        await RunAJobAsync();
        foreach (var service in system.Services)
        {
            Assert.Distinct((await system.MetricsAsync(service.Address)).Series);
            Assert.Distinct((await system.MetricsAsync(service.Address, OpenMetrics)).Series);
        }
    }

    [Fact]
    public async Task A_series_has_the_same_name_and_labels_in_both_formats()
    {
        await RunAJobAsync();

        var text = (await system.MetricsAsync(system.Worker.Address)).Series.Where(IsOurs);
        var open = (await system.MetricsAsync(system.Worker.Address, OpenMetrics)).Series.Where(IsOurs);

        Assert.Equal(text.Order(), open.Order());
    }

    [Fact]
    public async Task The_metrics_of_the_specification_have_their_names_labels_and_buckets()
    {
        await RunAJobAsync();
        var api = await system.MetricsAsync(system.Api.Address, page => HasRequest(page, "POST", "/api/v1/jobs", 202));
        var worker = await system.MetricsAsync(system.Worker.Address, page => page.Labels("ansible_api_job_duration_seconds_bucket").Count > 0);

        Assert.Equal(["source_type"], api.Labels("ansible_api_jobs_submitted_total"));
        Assert.Equal(["status"], worker.Labels("ansible_api_jobs_completed_total"));
        Assert.Equal(["success"], worker.Labels("ansible_api_webhook_deliveries_total"));
        Assert.Equal(["le", "source_type"], worker.Labels("ansible_api_job_duration_seconds_bucket"));
        Assert.Equal(["10.0", "30.0", "60.0", "120.0", "300.0", "600.0", "1800.0", "3600.0", "+Inf"], worker.Values("ansible_api_job_duration_seconds_bucket", "le"));
        Assert.Equal(["endpoint", "le", "method", "status_code"], api.Labels("ansible_api_request_duration_seconds_bucket"));
        Assert.Equal(["0.01", "0.05", "0.1", "0.5", "1.0", "5.0", "10.0", "+Inf"], api.Values("ansible_api_request_duration_seconds_bucket", "le"));
        Assert.Equal(["queue_name"], api.Labels("ansible_api_queue_length"));
        Assert.Contains("ansible_api_active_workers", api.Series);
        Assert.Contains("ansible_api_active_jobs", api.Series);
    }

    [Fact]
    public async Task Only_the_api_speaks_of_the_whole_system()
    {
        foreach (var service in new[] { system.Worker, system.Webhooks })
            Assert.DoesNotContain((await system.MetricsAsync(service.Address)).Series, series => series.StartsWith("ansible_api_active_workers", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Every_service_shows_every_known_label_from_the_start()
    {
        foreach (var service in system.Services)
        {
            var page = await system.MetricsAsync(service.Address);
            Assert.Equal(SnakeCase.All<SourceType>().Order(), page.Values("ansible_api_jobs_submitted_total", "source_type").Order());
            Assert.Equal(["cancelled", "failed", "success"], page.Values("ansible_api_jobs_completed_total", "status").Order());
            Assert.Equal(["false", "true"], page.Values("ansible_api_webhook_deliveries_total", "success").Order());
            foreach (var histogram in new[] { "ansible_api_job_duration_seconds", "ansible_api_job_queue_wait_seconds" })
                foreach (var series in new[] { "_bucket", "_sum", "_count" })
                    Assert.Equal(SnakeCase.All<SourceType>().Order(), page.Values(histogram + series, "source_type").Order());
            Assert.Equal(["fetch_source", "resolve_credentials", "run_playbook", "send_webhook", "upload_logs"], page.Values("ansible_api_job_stage_duration_seconds_count", "stage").Order());
        }
    }

    [Fact]
    public async Task A_thousand_job_ids_and_a_thousand_paths_add_no_series()
    {
        await GetAsync($"/api/v1/jobs/{JobId.Create(TimeProvider.System)}");
        await GetAsync("/nothing/here");
        // ASP.NET Core counts a request a moment after we do.
        var before = (await system.MetricsAsync(system.Api.Address, page => HasRequest(page, "GET", "/api/v1/jobs/{id}", 404) && HasRequest(page, "GET", "unmatched", 404)
                && page.Series.Count(series => series.StartsWith("http_server_request_duration_seconds_count", StringComparison.Ordinal) && series.Contains("\"404\"", StringComparison.Ordinal)) >= 2))
            .Series.Where(IsOurs).Order().ToList();

        await Parallel.ForAsync(0, 1000, new ParallelOptions { MaxDegreeOfParallelism = 8, CancellationToken = Stop }, async (i, _) =>
        {
            await GetAsync($"/api/v1/jobs/{JobId.Create(TimeProvider.System)}");
            await GetAsync($"/random-{Guid.NewGuid():N}/{i}");
        });

        var after = await system.MetricsAsync(system.Api.Address);
        Assert.Equal(before, after.Series.Where(IsOurs).Order());
        Assert.Contains("unmatched", after.Values("ansible_api_request_duration_seconds_count", "endpoint"));
        Assert.Contains("/api/v1/jobs/{id}", after.Values("ansible_api_request_duration_seconds_count", "endpoint"));
    }

    [Fact]
    public async Task A_method_that_nobody_knows_shares_one_label()
    {
        using var request = new HttpRequestMessage(new HttpMethod("FROBNICATE"), "/api/v1/jobs");
        using var response = await system.Client.SendAsync(request, Stop);

        var page = await system.MetricsAsync(system.Api.Address, page => page.Values("ansible_api_request_duration_seconds_count", "method").Contains("_OTHER"));
        Assert.DoesNotContain("FROBNICATE", page.Values("ansible_api_request_duration_seconds_count", "method"));
    }

    [Fact]
    public async Task Probes_and_scrapes_are_not_measured_as_requests()
    {
        await GetAsync("/health");
        await GetAsync("/alive");

        var page = await system.MetricsAsync(system.Api.Address);
        foreach (var path in new[] { "/health", "/alive", "/metrics" })
            Assert.DoesNotContain(path, page.Values("ansible_api_request_duration_seconds_count", "endpoint"));
    }

    [Fact]
    public async Task A_followed_log_is_no_latency()
    {
        var job = await RunAJobAsync();
        await GetAsync($"/api/v1/jobs/{job.Id}/logs");
        const string series = "ansible_api_request_duration_seconds_count{endpoint=\"/api/v1/jobs/{id}/logs\",method=\"GET\",status_code=\"200\"}";
        var before = await system.MetricsAsync(system.Api.Address, page => page.Series.Contains(series));

        await GetAsync($"/api/v1/jobs/{job.Id}/logs?follow=true");
        await GetAsync($"/api/v1/jobs/{job.Id}/logs");

        // The second of the two is counted, so the first would have been.
        var after = await system.MetricsAsync(system.Api.Address, page => page.Value(series) > before.Value(series));
        Assert.Equal(before.Value(series) + 1, after.Value(series));
    }

    [Theory]
    [InlineData(null, Text)]
    [InlineData("*/*", Text)]
    [InlineData("complete garbage;;;", Text)]
    [InlineData("text/plain", Text)]
    [InlineData("text/plain;q=0.9, application/openmetrics-text;q=0.8", Text)]
    [InlineData("*/*, application/openmetrics-text;q=0.8", Text)]
    [InlineData("text/*;q=0.9, application/openmetrics-text;q=0.8", Text)]
    [InlineData("*/*, application/openmetrics-text", OpenMetrics)]
    [InlineData("application/openmetrics-text", OpenMetrics)]
    [InlineData("application/openmetrics-text; version=\"1.0.0\"", OpenMetrics)]
    [InlineData("application/openmetrics-text;version=2.0.0,text/plain;version=0.0.4", Text)]
    [InlineData(Prometheus2, OpenMetrics)]
    [InlineData(Prometheus3, OpenMetrics + "; escaping=underscores")]
    public async Task A_scraper_gets_the_format_that_it_prefers(string? accept, string expected)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, "/metrics");
        if (accept is not null)
            request.Headers.TryAddWithoutValidation("Accept", accept);
        using var response = await system.Client.SendAsync(request, Stop);

        Assert.Equal(expected, response.Content.Headers.ContentType?.ToString());
        var body = await response.Content.ReadAsStringAsync(Stop);
        Assert.Equal(expected.StartsWith("application", StringComparison.Ordinal), body.EndsWith("# EOF\n", StringComparison.Ordinal));
        Assert.DoesNotContain('\r', body);
        Assert.Equal('\n', body[^1]);
    }

    [Fact]
    public async Task A_scraper_that_takes_gzip_gets_gzip()
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, "/metrics") { Headers = { AcceptEncoding = { new StringWithQualityHeaderValue("gzip") } } };
        using var response = await system.Client.SendAsync(request, Stop);

        Assert.Equal(["gzip"], response.Content.Headers.ContentEncoding);
        await using var unzipped = new System.IO.Compression.GZipStream(await response.Content.ReadAsStreamAsync(Stop), System.IO.Compression.CompressionMode.Decompress);
        Assert.Contains("ansible_api_jobs_submitted_total", await new StreamReader(unzipped).ReadToEndAsync(Stop));
    }

    [Fact]
    public async Task Head_answers_without_a_body_and_other_methods_are_refused()
    {
        using var head = await system.Client.SendAsync(new HttpRequestMessage(HttpMethod.Head, "/metrics"), Stop);
        using var post = await system.Client.PostAsync("/metrics", null, Stop);

        Assert.Equal((HttpStatusCode.OK, ""), (head.StatusCode, await head.Content.ReadAsStringAsync(Stop)));
        Assert.Equal(HttpStatusCode.MethodNotAllowed, post.StatusCode);
    }

    [Fact]
    public async Task An_exemplar_names_the_trace_of_a_measurement_in_its_bucket()
    {
        var job = await RunAJobAsync();

        var page = await system.MetricsAsync(system.Worker.Address, page => page.Text.Contains(job.TraceId!, StringComparison.Ordinal), OpenMetrics);
        var lines = page.Text.Split('\n').Select(line => Exemplar().Match(line)).Where(match => match.Success).ToList();

        Assert.NotEmpty(lines);
        foreach (var match in lines.Where(match => match.Groups["le"].Value is not ("" or "+Inf")))
            Assert.True(Number(match.Groups["value"].Value) <= Number(match.Groups["le"].Value), match.Value);
    }

    Task<Job> RunAJobAsync() =>
        system.RunAsync(new { source = new { type = "inline", content = "- hosts: localhost\n  gather_facts: false\n  tasks:\n    - debug: {msg: hi}\n" } });

    async Task GetAsync(string path)
    {
        using var response = await system.Client.GetAsync(path, Stop);
    }

    static bool HasRequest(MetricsPage page, string method, string endpoint, int statusCode) =>
        page.Series.Contains($"ansible_api_request_duration_seconds_count{{endpoint=\"{endpoint}\",method=\"{method}\",status_code=\"{statusCode}\"}}");

    static double Number(string text) => double.Parse(text, System.Globalization.CultureInfo.InvariantCulture);

    static bool IsOurs(string series) =>
        series.StartsWith("ansible_api_", StringComparison.Ordinal) && !series.Contains("oldest", StringComparison.Ordinal) || series.StartsWith("http_server_request", StringComparison.Ordinal);

    [GeneratedRegex("""^(?<name>\w+)\{(.*le="(?<le>[^"]+)")?.*\} \S+ # \{trace_id="(?<trace>\w+)",span_id="\w+"\} (?<value>\S+)""")]
    private static partial Regex Exemplar();
}

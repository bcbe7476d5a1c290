using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using AspireJobs.Tests.Infrastructure;

namespace AspireJobs.Tests.Telemetry;

/// <summary>How the three signals leave, and what becomes of the service when they cannot.</summary>
[Collection(Watched.Name)]
public sealed class ExportTests(WatchedSystem system)
{
    static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Probes_and_discovery_leave_no_spans_also_with_a_sampler_that_ignores_parents()
    {
        await using var collector = await OtlpReceiver.StartAsync();
        var settings = system.SettingsOf("Api");
        settings["OTEL_EXPORTER_OTLP_ENDPOINT"] = collector.Url;
        settings["OTEL_TRACES_SAMPLER"] = "always_on";
        using var service = await ServiceProcess.StartAsync("Api", settings);

        foreach (var path in new[] { "/health", "/alive", "/metrics", "/metrics/targets", "/api/v1/queues" })
            await system.Client.GetStringAsync(new Uri(service.Address, path), Stop);
        Assert.Equal(0, await service.StopAsync());

        var asked = collector.Spans.Single(span => span.Name == "GET /api/v1/queues");
        Assert.Empty(collector.Spans.Where(span => span.TraceId != asked.TraceId).Select(span => span.Name));
    }

    [Theory]
    [InlineData("http/protobuf")]
    [InlineData("grpc")]
    public async Task All_three_signals_arrive_as_others_decode_them_and_the_last_of_them_when_the_service_stops(string protocol)
    {
        await using var collector = await OtlpReceiver.StartAsync();
        var settings = system.SettingsOf("Api");
        settings["OTEL_EXPORTER_OTLP_PROTOCOL"] = protocol;
        settings["OTEL_EXPORTER_OTLP_ENDPOINT"] = protocol == "grpc" ? collector.GrpcUrl : collector.Url;
        settings["OTEL_EXPORTER_OTLP_HEADERS"] = "x-otlp-api-key=key-of-the-collector";
        settings["OTEL_BSP_SCHEDULE_DELAY"] = "2000";
        settings["Logging__LogLevel__Microsoft.AspNetCore.Hosting.Diagnostics"] = "Information";
        // Fewer than signals: what waits for the last exports on the threads of the pool leaves none to make them.
        settings["DOTNET_ThreadPool_ForceMaxWorkerThreads"] = "2";
        using var service = await ServiceProcess.StartAsync("Api", settings);
        using (await system.Client.GetAsync(new Uri(service.Address, "/nothing/here"), Stop))
        {
        }
        while (collector.Signals.Count() < 3)
            await Task.Delay(TimeSpan.FromMilliseconds(100), TimeProvider.System, Stop);
        using (await system.Client.GetAsync(new Uri(service.Address, "/nothing/more"), Stop))
        {
        }

        Assert.Equal(0, await service.StopAsync());

        Assert.Equal(["logs", "metrics", "traces"], collector.Signals.Order());
        Assert.Equal(["key-of-the-collector"], collector.ApiKeys);
        Assert.Contains(collector.Spans, span => span is { Name: "GET", Kind: SpanKind.Server, Service: "api" } && span.Tags["url.path"] == "/nothing/more");
        var span = Assert.Single(await collector.DecodedAsync("traces", "resourceSpans", "scopeSpans", "spans"), span => Attribute(span, "url.path") == """{"stringValue":"/nothing/more"}""");
        Assert.Equal(("GET", "SPAN_KIND_SERVER", """{"intValue":"404"}"""), (Text(span, "name"), Text(span, "kind"), Attribute(span, "http.response.status_code")));
        var record = Assert.Single(await collector.DecodedAsync("logs", "resourceLogs", "scopeLogs", "logRecords"), record =>
            Text(record, "traceId") == Text(span, "traceId") && Text(record.GetProperty("body"), "stringValue")!.StartsWith("Request finished HTTP/1.1 GET", StringComparison.Ordinal));
        Assert.Equal(("SEVERITY_NUMBER_INFO", Text(span, "spanId"), """{"intValue":"404"}"""), (Text(record, "severityNumber"), Text(record, "spanId"), Attribute(record, "StatusCode")));
        var durations = (await collector.DecodedAsync("metrics", "resourceMetrics", "scopeMetrics", "metrics")).Last(metric => Text(metric, "name") == "ansible_api_request_duration_seconds");
        var point = Assert.Single(durations.GetProperty("histogram").GetProperty("dataPoints").EnumerateArray());
        Assert.Equal(("s", "2", "[0.01,0.05,0.1,0.5,1,5,10]"), (Text(durations, "unit"), Text(point, "count"), point.GetProperty("explicitBounds").GetRawText()));
    }

    [Theory]
    [InlineData("OTEL_EXPORTER_OTLP_TIMEOUT")]
    [InlineData("OTEL_EXPORTER_OTLP_METRICS_TIMEOUT")]
    public async Task A_service_that_stops_gives_a_slow_collector_as_long_as_its_timeout_says(string timeout)
    {
        var answers = new TaskCompletionSource();
        await using var collector = await OtlpReceiver.StartAsync();
        collector.Answers = answers.Task;
        var settings = system.SettingsOf("Api");
        settings["OTEL_EXPORTER_OTLP_ENDPOINT"] = collector.Url;
        settings.Remove("OTEL_EXPORTER_OTLP_TIMEOUT");
        settings[timeout] = "30000";
        using var service = await ServiceProcess.StartAsync("Api", settings);

        var stopped = service.StopAsync();
        await service.LineAsync(line => line.Contains("shutting down", StringComparison.Ordinal));
        // Twice what an export may take where nobody says otherwise.
        await Task.Delay(TimeSpan.FromSeconds(5), TimeProvider.System, Stop);
        Assert.False(stopped.IsCompleted);
        answers.SetResult();

        Assert.Equal(0, await stopped);
    }

    [Fact]
    public async Task A_collector_that_never_answers_costs_requests_nothing_and_what_is_lost_is_counted()
    {
        using var silent = new TcpListener(IPAddress.Loopback, 0);
        silent.Start();
        var settings = system.SettingsOf("Api");
        settings["OTEL_EXPORTER_OTLP_ENDPOINT"] = $"http://{silent.LocalEndpoint}";
        settings.Remove("OTEL_EXPORTER_OTLP_TIMEOUT");
        settings["OTEL_BSP_MAX_QUEUE_SIZE"] = settings["OTEL_BSP_MAX_EXPORT_BATCH_SIZE"] = "32";
        using var service = await ServiceProcess.StartAsync("Api", settings);

        for (var i = 0; i < 200; i++)
        {
            using var response = await system.Client.GetAsync(new Uri(service.Address, "/api/v1/jobs?limit=1"), Stop);
            Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        }

        await system.MetricsAsync(service.Address, page => page.Series.Any(series =>
            series.StartsWith("otel_sdk_processor_span_processed_total", StringComparison.Ordinal) && series.Contains("error_type=\"queue_full\"", StringComparison.Ordinal)));
        Assert.Equal(0, await service.StopAsync());
    }

    [Fact]
    public async Task A_burst_while_the_collector_takes_its_time_loses_no_span_and_no_line()
    {
        const int requests = 3000;
        var answers = new TaskCompletionSource();
        await using var collector = await OtlpReceiver.StartAsync();
        collector.Answers = answers.Task;
        var settings = system.SettingsOf("Api");
        settings["OTEL_EXPORTER_OTLP_ENDPOINT"] = collector.Url;
        settings["OTEL_EXPORTER_OTLP_TIMEOUT"] = "60000";
        // A line when a request comes and one when it ends.
        settings["Logging__LogLevel__Microsoft.AspNetCore.Hosting.Diagnostics"] = "Information";
        using var service = await ServiceProcess.StartAsync("Api", settings);

        await Parallel.ForAsync(0, requests, new ParallelOptions { MaxDegreeOfParallelism = 8, CancellationToken = Stop }, async (_, stop) =>
        {
            using var response = await system.Client.GetAsync(new Uri(service.Address, "/nothing/here"), stop);
        });
        answers.SetResult();
        Assert.Equal(0, await service.StopAsync());

        Assert.Equal(requests, collector.Spans.Count(span => span.Kind == SpanKind.Server && span.Tags["url.path"] == "/nothing/here"));
        Assert.Equal(requests, collector.Payloads.Sum(payload => Encoding.UTF8.GetString(payload.Message).Split("Request finished HTTP").Length - 1));
    }

    [Theory]
    [InlineData("http/protobuf")]
    [InlineData("grpc")]
    public async Task A_collector_that_is_down_is_counted_and_told_of_once(string protocol)
    {
        var settings = system.SettingsOf("Api");
        settings["OTEL_EXPORTER_OTLP_PROTOCOL"] = protocol;
        settings["OTEL_EXPORTER_OTLP_ENDPOINT"] = "http://127.0.0.1:1";
        using var service = await ServiceProcess.StartAsync("Api", settings);

        await system.MetricsAsync(service.Address, page => page.Value("ansible_api_telemetry_export_errors_total") > 1);
        await service.StopAsync();

        Assert.Single(service.Lines, line => line.Contains("\"event\":\"telemetry_export_failed\"", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_signal_goes_where_its_own_variables_say_and_one_without_endpoint_or_otlp_nowhere()
    {
        await using var all = await OtlpReceiver.StartAsync();
        await using var own = await OtlpReceiver.StartAsync();
        var settings = system.SettingsOf("Api");
        settings["OTEL_EXPORTER_OTLP_ENDPOINT"] = all.Url;
        settings["OTEL_EXPORTER_OTLP_PROTOCOL"] = "http/protobuf";
        settings["OTEL_EXPORTER_OTLP_HEADERS"] = "x-otlp-api-key=key-of-all";
        settings["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"] = own.GrpcUrl;
        settings["OTEL_EXPORTER_OTLP_TRACES_PROTOCOL"] = "grpc";
        settings["OTEL_EXPORTER_OTLP_TRACES_HEADERS"] = "x-otlp-api-key=key-of-traces";
        settings["OTEL_EXPORTER_OTLP_TRACES_COMPRESSION"] = "gzip";
        settings["OTEL_TRACES_EXPORTER"] = "otlp, console";
        settings["OTEL_METRICS_EXPORTER"] = "none";

        await ServeOnceAsync(settings);

        Assert.Equal(["logs", "key-of-all"], all.Signals.Concat(all.ApiKeys));
        Assert.Equal(["traces", "key-of-traces"], own.Signals.Concat(own.ApiKeys));

        settings["OTEL_METRICS_EXPORTER"] = settings["OTEL_TRACES_EXPORTER"] = "";
        settings.Remove("OTEL_EXPORTER_OTLP_ENDPOINT");
        settings["OTEL_EXPORTER_OTLP_METRICS_ENDPOINT"] = own.Url + "/v1/metrics";

        await ServeOnceAsync(settings);

        Assert.Equal(["metrics", "traces"], own.Signals.Order());
    }

    [Theory]
    [InlineData("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "collector", "is not an absolute URL")]
    [InlineData("OTEL_EXPORTER_OTLP_METRICS_PROTOCOL", "http/json", "is not grpc or http/protobuf")]
    [InlineData("OTEL_EXPORTER_OTLP_LOGS_TIMEOUT", "2s", "is not a number of milliseconds")]
    [InlineData("OTEL_EXPORTER_OTLP_LOGS_COMPRESSION", "zstd", "is not gzip or none")]
    public async Task A_signals_variable_that_cannot_be_read_keeps_the_service_from_starting_and_is_named(string variable, string value, string problem)
    {
        var settings = system.SettingsOf("Api");
        settings[variable] = value;

        using var service = await ServiceProcess.RunToEndAsync("Api", settings);

        Assert.Contains(service.Lines, line => line.Contains($"{variable} {problem}", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_disabled_sdk_exports_nothing_and_the_service_serves()
    {
        await using var collector = await OtlpReceiver.StartAsync();
        var settings = system.SettingsOf("Api");
        settings["OTEL_SDK_DISABLED"] = "true";
        settings["OTEL_EXPORTER_OTLP_ENDPOINT"] = collector.Url;
        using var service = await ServiceProcess.StartAsync("Api", settings);

        using var jobs = await system.Client.GetAsync(new Uri(service.Address, "/api/v1/jobs?limit=1"), Stop);
        using var metrics = await system.Client.GetAsync(new Uri(service.Address, "/metrics"), Stop);

        Assert.Equal((HttpStatusCode.OK, HttpStatusCode.NotFound), (jobs.StatusCode, metrics.StatusCode));
        Assert.Equal(0, await service.StopAsync());
        Assert.Empty(collector.Signals);
        Assert.DoesNotContain(service.Lines, line => line.Contains("\"level\":\"error\"", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Without_a_collector_nothing_is_exported_and_the_trace_goes_on()
    {
        var settings = system.SettingsOf("Api");
        settings.Remove("OTEL_EXPORTER_OTLP_ENDPOINT");
        using var service = await ServiceProcess.StartAsync("Api", settings);

        using var response = await system.Client.GetAsync(new Uri(service.Address, "/nothing/here"), Stop);

        Assert.Matches("\"trace_id\":\"[0-9a-f]{32}\"", await response.Content.ReadAsStringAsync(Stop));
        await service.StopAsync();
        Assert.DoesNotContain(service.Lines, line => line.Contains("\"level\":\"error\"", StringComparison.Ordinal));
        Assert.Empty(service.Errors);
    }

    static string? Text(JsonElement json, string property) => json.TryGetProperty(property, out var value) ? value.GetString() : null;

    static string? Attribute(JsonElement json, string key) =>
        json.GetProperty("attributes").EnumerateArray().Where(attribute => Text(attribute, "key") == key).Select(attribute => attribute.GetProperty("value").GetRawText()).SingleOrDefault();

    async Task ServeOnceAsync(IReadOnlyDictionary<string, string> settings)
    {
        using var service = await ServiceProcess.StartAsync("Api", settings);
        using var response = await system.Client.GetAsync(new Uri(service.Address, "/nothing/here"), Stop);
        Assert.Equal(0, await service.StopAsync());
    }
}

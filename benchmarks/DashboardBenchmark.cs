using System.Diagnostics;
using Microsoft.Extensions.Logging;
using OpenTelemetry;
using OpenTelemetry.Exporter;
using OpenTelemetry.Logs;
using OpenTelemetry.Trace;

namespace AspireJobs.Benchmarks;

/// <summary>What the dashboard takes to receive and to keep telemetry.</summary>
static partial class DashboardBenchmark
{
    const string Source = "AspireJobs.Benchmarks";
    const int SpansPerSecond = 20_000;
    const int SpansOfTrace = 10;
    const int KeptSpans = 100_000;
    const int KeptLogs = 50_000;

    static readonly TimeSpan Duration = TimeSpan.FromSeconds(10);
    static readonly TimeSpan BetweenReads = TimeSpan.FromMilliseconds(200);
    // As many as the system has services; one alone waits for each answer before it sends more.
    static readonly ActivitySource[] Senders = [.. Enumerable.Range(1, 4).Select(i => new ActivitySource($"{Source}.{i}"))];

    public static async Task RunAsync(CancellationToken stop)
    {
        await MeasureIngestAsync(stop);
        await MeasureMemoryAsync(stop);
    }

    /// <summary>A steady stream, while a reader asks for the list of traces as the page does.</summary>
    static async Task MeasureIngestAsync(CancellationToken stop)
    {
        var total = SpansPerSecond * (int)Duration.TotalSeconds;
        using var dashboard = await DashboardProcess.StartAsync(stop, ("MAXTRACECOUNT", total), ("MAXBYTES", int.MaxValue));
        var exporters = Export(dashboard);
        await SendAsync(SpansPerSecond, stop);
        Flush(exporters);

        var (start, before, cpu) = (Stopwatch.GetTimestamp(), Machine.Cpu(), dashboard.CpuSeconds);
        using var done = CancellationTokenSource.CreateLinkedTokenSource(stop);
        var reading = ReadAsync(dashboard, done.Token);
        await SendAsync(total, stop);
        Flush(exporters);
        var seconds = Stopwatch.GetElapsedTime(start).TotalSeconds;
        var used = dashboard.CpuSeconds - cpu;
        await done.CancelAsync();
        End(exporters);

        var kept = await dashboard.CountAsync("spans", stop);
        if (kept != total + SpansPerSecond)
            throw new InvalidOperationException($"{kept} of {total + SpansPerSecond} spans arrived");
        var foreign = ("foreign_cores", (object)Machine.Cpu().ForeignCoresSince(before));
        Figure.Print("dashboard_ingest_rps", "span/s", [total / seconds], foreign);
        Figure.Print("dashboard_ingest_cpu_us", "us/span", [used / total * 1_000_000], foreign);
        Figure.Print("dashboard_read_ms", "ms", await reading, foreign);
    }

    static async Task MeasureMemoryAsync(CancellationToken stop)
    {
        using var dashboard = await DashboardProcess.StartAsync(stop, ("MAXLOGCOUNT", KeptLogs));
        var idle = dashboard.ResidentMiB;
        var exporters = Export(dashboard);
        await SendAsync(KeptSpans, stop);
        Flush(exporters);
        End(exporters);
        using (var loggers = LoggerFactory.Create(logging => logging.AddOpenTelemetry(logs => logs.AddOtlpExporter((options, processor) =>
        {
            Configure(options, dashboard);
            processor.BatchExportProcessorOptions.MaxQueueSize = KeptLogs;
        }))))
        {
            var logger = loggers.CreateLogger(Source);
            for (var i = 0; i < KeptLogs; i++)
                JobEnded(logger, $"job-01a20fb7-5ead-7c01-81b8-{i:x12}", "inline", 4.68 + i, "success", "worker-1");
        }

        var (spans, logs) = (await dashboard.CountAsync("spans", stop), await dashboard.CountAsync("logs", stop));
        if ((spans, logs) != (KeptSpans, KeptLogs))
            throw new InvalidOperationException($"{spans} spans and {logs} log records are kept, not {KeptSpans} and {KeptLogs}");
        Figure.Print("dashboard_rss_idle", "MiB", [idle]);
        Figure.Print("dashboard_rss_full", "MiB", [dashboard.ResidentMiB], ("spans", spans), ("log_records", logs));
    }

    static TracerProvider[] Export(DashboardProcess dashboard) =>
    [
        .. Senders.Select(sender => Sdk.CreateTracerProviderBuilder().AddSource(sender.Name).SetSampler(new AlwaysOnSampler()).AddOtlpExporter(options =>
        {
            Configure(options, dashboard);
            options.BatchExportProcessorOptions = new() { MaxQueueSize = 1 << 17, ScheduledDelayMilliseconds = 50, MaxExportBatchSize = 512 };
        }).Build()),
    ];

    static void Flush(TracerProvider[] exporters)
    {
        foreach (var exporter in exporters)
            exporter.ForceFlush();
    }

    static void End(TracerProvider[] exporters)
    {
        foreach (var exporter in exporters)
            exporter.Dispose();
    }

    static void Configure(OtlpExporterOptions options, DashboardProcess dashboard) => (options.Endpoint, options.Protocol) = (dashboard.GrpcUrl, OtlpExportProtocol.Grpc);

    static async Task SendAsync(int total, CancellationToken stop)
    {
        var start = Stopwatch.GetTimestamp();
        for (var sent = 0; sent < total;)
        {
            var due = Math.Min(total, (int)(Stopwatch.GetElapsedTime(start).TotalSeconds * SpansPerSecond));
            for (; sent < due; sent += SpansOfTrace)
                CreateTrace(sent);
            await Task.Delay(TimeSpan.FromMilliseconds(5), TimeProvider.System, stop);
        }
    }

    /// <summary>A request with nine calls to a database, as long in text as those of the services here.</summary>
    static void CreateTrace(int number)
    {
        Activity.Current = null;
        var sender = Senders[number / SpansOfTrace % Senders.Length];
        using var request = sender.StartActivity("POST /api/v1/jobs", ActivityKind.Server);
        request?.SetTag("http.request.method", "POST").SetTag("http.route", "/api/v1/jobs").SetTag("http.response.status_code", 202)
            .SetTag("url.scheme", "http").SetTag("url.path", "/api/v1/jobs").SetTag("server.address", "localhost").SetTag("server.port", 8080)
            .SetTag("network.protocol.version", "1.1").SetTag("user_agent.original", "curl/8.14.1");
        for (var i = 1; i < SpansOfTrace; i++)
        {
            using var query = sender.StartActivity("postgresql", ActivityKind.Client);
            query?.SetTag("db.system.name", "postgresql").SetTag("db.namespace", "jobsdb").SetTag("server.address", "localhost").SetTag("server.port", 5432)
                .SetTag("db.query.text", "UPDATE jobs SET status = 'running', attempt = attempt + 1 WHERE id = $1 AND status = 'queued' RETURNING id")
                .SetTag("job_id", number);
        }
    }

    static async Task<List<double>> ReadAsync(DashboardProcess dashboard, CancellationToken stop)
    {
        var milliseconds = new List<double>();
        try
        {
            while (true)
            {
                var asked = Stopwatch.GetTimestamp();
                await dashboard.Browser.GetByteArrayAsync(new Uri("/api/ui/traces?limit=100", UriKind.Relative), stop);
                milliseconds.Add(Stopwatch.GetElapsedTime(asked).TotalMilliseconds);
                await Task.Delay(BetweenReads, TimeProvider.System, stop);
            }
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            return milliseconds;
        }
    }

    [LoggerMessage(1, LogLevel.Information, "job {JobId} ({SourceType}) ended after {DurationSeconds} s (outcome {Outcome}, worker {WorkerId})")]
    static partial void JobEnded(ILogger logger, string jobId, string sourceType, double durationSeconds, string outcome, string workerId);
}

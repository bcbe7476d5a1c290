using System.Collections.Concurrent;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace AspireJobs.Benchmarks;

/// <summary>A collector that takes OTLP over HTTP, counts the bytes of each signal, and throws them away.</summary>
sealed class OtlpSink : IAsyncDisposable
{
    readonly WebApplication _app;
    readonly ConcurrentDictionary<string, long> _bytes = new();

    OtlpSink()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        _app = builder.Build();
        _app.MapPost("/v1/{signal}", TakeAsync);
    }

    /// <summary>What makes a service export everything to here: production's own settings but for the metrics, whose minute is longer than a round.</summary>
    public Dictionary<string, string> Settings => new()
    {
        ["OTEL_EXPORTER_OTLP_ENDPOINT"] = _app.Urls.Single(),
        ["OTEL_EXPORTER_OTLP_PROTOCOL"] = "http/protobuf",
        ["OTEL_BSP_SCHEDULE_DELAY"] = "5000",
        ["OTEL_BLRP_SCHEDULE_DELAY"] = "1000",
        ["OTEL_METRIC_EXPORT_INTERVAL"] = "5000",
    };

    public static async Task<OtlpSink> StartAsync(CancellationToken stop)
    {
        var sink = new OtlpSink();
        await sink._app.StartAsync(stop);
        return sink;
    }

    /// <summary>Bytes taken of a signal: traces, metrics or logs.</summary>
    /// <exception cref="InvalidOperationException">None came, so whatever was measured was not with this signal on.</exception>
    public long Bytes(string signal) => _bytes.TryGetValue(signal, out var bytes) ? bytes : throw new InvalidOperationException($"no {signal} were exported");

    public ValueTask DisposeAsync() => _app.DisposeAsync();

    async Task TakeAsync(string signal, HttpContext context)
    {
        var reader = context.Request.BodyReader;
        while (true)
        {
            var read = await reader.ReadAsync(context.RequestAborted);
            _bytes.AddOrUpdate(signal, read.Buffer.Length, (_, before) => before + read.Buffer.Length);
            reader.AdvanceTo(read.Buffer.End);
            if (read.IsCompleted)
                break;
        }
        context.Response.ContentType = "application/x-protobuf";
    }
}

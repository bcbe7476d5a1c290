using System.Collections.Concurrent;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace AspireJobs.Tests.Telemetry;

/// <summary>A collector: takes OTLP over HTTP with protobuf and keeps all of it.</summary>
sealed class OtlpReceiver : IAsyncDisposable
{
    readonly WebApplication _app;
    readonly ConcurrentQueue<byte[]> _payloads = new();
    readonly ConcurrentQueue<ReceivedSpan> _spans = new();
    volatile TaskCompletionSource _more = NewSignal();

    OtlpReceiver()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        _app = builder.Build();
        _app.MapPost("/v1/{signal}", ReceiveAsync);
    }

    public string Url => _app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Single();

    /// <summary>Every request's body.</summary>
    public IReadOnlyCollection<byte[]> Payloads => _payloads;

    public IReadOnlyCollection<ReceivedSpan> Spans => _spans;

    public static async Task<OtlpReceiver> StartAsync()
    {
        var receiver = new OtlpReceiver();
        await receiver._app.StartAsync();
        return receiver;
    }

    /// <summary>The spans of a trace, once all of these names are among them.</summary>
    public async Task<IReadOnlyList<ReceivedSpan>> TraceAsync(string traceId, params string[] names)
    {
        while (true)
        {
            var more = _more.Task;
            var trace = _spans.Where(span => span.TraceId == traceId).ToList();
            if (names.All(name => trace.Any(span => span.Name == name)))
                return trace;
            await more.WaitAsync(TestContext.Current.CancellationToken);
        }
    }

    public ValueTask DisposeAsync() => _app.DisposeAsync();

    async Task ReceiveAsync(string signal, HttpContext context)
    {
        using var body = new MemoryStream();
        await context.Request.Body.CopyToAsync(body);
        var payload = body.ToArray();
        _payloads.Enqueue(payload);
        if (signal == "traces")
            foreach (var span in ReceivedSpan.Read(payload))
                _spans.Enqueue(span);
        context.Response.ContentType = "application/x-protobuf";
        Interlocked.Exchange(ref _more, NewSignal()).SetResult();
    }

    static TaskCompletionSource NewSignal() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}

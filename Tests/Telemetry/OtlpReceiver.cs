using System.Collections.Concurrent;
using System.Net;
using System.Text.Json;
using AspireJobs.Tests.Infrastructure;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace AspireJobs.Tests.Telemetry;

/// <summary>A collector: takes OTLP over HTTP with protobuf and over gRPC, and keeps all of it.</summary>
sealed class OtlpReceiver : IAsyncDisposable
{
    // One byte that says "not compressed" and four with the length, before the message.
    const int GrpcPrefix = 5;

    readonly WebApplication _app;
    readonly ConcurrentQueue<(string Signal, byte[] Message)> _payloads = new();
    readonly ConcurrentQueue<ReceivedSpan> _spans = new();
    readonly ConcurrentDictionary<string, bool> _apiKeys = new();
    volatile TaskCompletionSource _more = NewSignal();

    OtlpReceiver()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.Listen(IPAddress.Loopback, 0, http => http.Protocols = HttpProtocols.Http1);
            kestrel.Listen(IPAddress.Loopback, 0, grpc => grpc.Protocols = HttpProtocols.Http2);
        });
        _app = builder.Build();
        _app.MapPost("/v1/{signal}", ReceiveHttpAsync);
        _app.MapPost("/opentelemetry.proto.collector.{signal}.v1.{service}/Export", ReceiveGrpcAsync);
    }

    public string Url => Addresses.First();

    public string GrpcUrl => Addresses.Last();

    /// <summary>Every message, with which of traces, metrics and logs it carries.</summary>
    public IReadOnlyCollection<(string Signal, byte[] Message)> Payloads => _payloads;

    public IReadOnlyCollection<ReceivedSpan> Spans => _spans;

    /// <summary>What each request waits for before it is answered.</summary>
    public Task Answers { get; set; } = Task.CompletedTask;

    /// <summary>Which of traces, metrics and logs have come.</summary>
    public IEnumerable<string> Signals => _payloads.Select(payload => payload.Signal).Distinct();

    /// <summary>What senders put into the header <c>x-otlp-api-key</c>.</summary>
    public IEnumerable<string> ApiKeys => _apiKeys.Keys;

    ICollection<string> Addresses => _app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses;

    public static async Task<OtlpReceiver> StartAsync()
    {
        var receiver = new OtlpReceiver();
        await receiver._app.StartAsync();
        return receiver;
    }

    /// <summary>What is at the end of this path of lists in all messages of a signal, as other people's code decodes them.</summary>
    public async Task<IReadOnlyList<JsonElement>> DecodedAsync(string signal, params string[] path)
    {
        var messages = _payloads.Where(payload => payload.Signal == signal).Select(payload => Convert.ToBase64String(payload.Message));
        IEnumerable<JsonElement> decoded = JsonSerializer.Deserialize<JsonElement[]>(await Foreign.RunAsync("decode.js", [signal], string.Join('\n', messages)))!;
        return [.. path.Aggregate(decoded, (parents, list) => parents.SelectMany(parent => parent.GetProperty(list).EnumerateArray()))];
    }

    /// <summary>The spans of a trace, once all of these names are among them.</summary>
    public Task<IReadOnlyList<ReceivedSpan>> TraceAsync(string traceId, params string[] names) =>
        TraceAsync(traceId, trace => names.All(name => trace.Any(span => span.Name == name)));

    /// <summary>The spans of a trace, once it is complete.</summary>
    public async Task<IReadOnlyList<ReceivedSpan>> TraceAsync(string traceId, Func<IReadOnlyList<ReceivedSpan>, bool> isComplete)
    {
        while (true)
        {
            var more = _more.Task;
            var trace = _spans.Where(span => span.TraceId == traceId).ToList();
            if (isComplete(trace))
                return trace;
            await more.WaitAsync(TestContext.Current.CancellationToken);
        }
    }

    public ValueTask DisposeAsync() => _app.DisposeAsync();

    async Task ReceiveHttpAsync(string signal, HttpContext context)
    {
        Keep(signal, context, await ReadAsync(context));
        await Answers;
        context.Response.ContentType = "application/x-protobuf";
    }

    async Task ReceiveGrpcAsync(string signal, HttpContext context)
    {
        Keep(signal == "trace" ? "traces" : signal, context, (await ReadAsync(context))[GrpcPrefix..]);
        await Answers;
        context.Response.ContentType = "application/grpc";
        context.Response.DeclareTrailer("grpc-status");
        await context.Response.Body.WriteAsync(new byte[GrpcPrefix]);
        context.Response.AppendTrailer("grpc-status", "0");
    }

    void Keep(string signal, HttpContext context, byte[] message)
    {
        _payloads.Enqueue((signal, message));
        if (context.Request.Headers["x-otlp-api-key"] is [{ } key])
            _apiKeys[key] = true;
        if (signal == "traces")
            foreach (var span in ReceivedSpan.Read(message))
                _spans.Enqueue(span);
        Interlocked.Exchange(ref _more, NewSignal()).SetResult();
    }

    static async Task<byte[]> ReadAsync(HttpContext context)
    {
        using var body = new MemoryStream();
        await context.Request.Body.CopyToAsync(body);
        return body.ToArray();
    }

    static TaskCompletionSource NewSignal() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}

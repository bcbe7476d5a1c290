using System.Threading.Channels;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace AspireJobs.Tests.Infrastructure;

/// <summary>A callback as it arrived.</summary>
sealed record ReceivedCallback(string Body, IReadOnlyDictionary<string, string> Headers);

/// <summary>Receives callbacks on a port of its own and answers as the test wants.</summary>
sealed class CallbackReceiver : IAsyncDisposable
{
    readonly WebApplication _app;
    readonly Channel<ReceivedCallback> _received = Channel.CreateUnbounded<ReceivedCallback>();
    readonly Queue<int> _answers;

    CallbackReceiver(int[] answers)
    {
        _answers = new Queue<int>(answers);
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        _app = builder.Build();
        _app.MapPost("/{**path}", ReceiveAsync);
    }

    public string Url => _app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Single() + "/hooks/ansible";

    /// <summary>Starts a receiver that gives these answers in turn, and 200 after them.</summary>
    public static async Task<CallbackReceiver> StartAsync(params int[] answers)
    {
        var receiver = new CallbackReceiver(answers);
        await receiver._app.StartAsync();
        return receiver;
    }

    /// <summary>The next callback.</summary>
    public async Task<ReceivedCallback> NextAsync() => await _received.Reader.ReadAsync(TestContext.Current.CancellationToken);

    async Task ReceiveAsync(HttpContext context)
    {
        using var reader = new StreamReader(context.Request.Body);
        var body = await reader.ReadToEndAsync();
        context.Response.StatusCode = _answers.TryDequeue(out var answer) ? answer : StatusCodes.Status200OK;
        _received.Writer.TryWrite(new ReceivedCallback(body, context.Request.Headers.ToDictionary(header => header.Key.ToLowerInvariant(), header => header.Value.ToString())));
    }

    public ValueTask DisposeAsync() => _app.DisposeAsync();
}

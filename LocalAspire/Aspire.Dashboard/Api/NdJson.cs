using System.Buffers;
using System.Text.Json;
using System.Threading.Channels;

namespace Aspire.Dashboard.Api;

/// <summary>A response that goes on: one JSON object a line.</summary>
sealed class NdJson
{
    // Tells both ends that the other is still there; an empty line is nothing to a reader.
    static readonly TimeSpan KeepAlive = TimeSpan.FromSeconds(15);
    // Written between two flushes.
    const int Batch = 256;

    readonly HttpResponse _response;
    readonly TimeProvider _clock;

    NdJson(HttpContext context, CancellationToken stop)
    {
        _response = context.Response;
        _clock = context.RequestServices.GetRequiredService<TimeProvider>();
        Stop = stop;
    }

    /// <summary>Cancelled when the caller has gone or the dashboard ends.</summary>
    public CancellationToken Stop { get; }

    public static async Task RunAsync(HttpContext context, Func<NdJson, Task> write)
    {
        var lifetime = context.RequestServices.GetRequiredService<IHostApplicationLifetime>();
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted, lifetime.ApplicationStopping);
        context.Response.ContentType = "application/x-ndjson";
        context.Response.Headers.CacheControl = "no-store";
        var stream = new NdJson(context, stop.Token);
        try
        {
            await stream.FlushAsync();
            await write(stream);
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            // Nobody listens any more.
        }
    }

    public void Write(Action<Utf8JsonWriter> write)
    {
        using (var json = new Utf8JsonWriter(_response.BodyWriter))
            write(json);
        _response.BodyWriter.Write("\n"u8);
    }

    public async Task FlushAsync() => await _response.BodyWriter.FlushAsync(Stop);

    /// <summary>Writes what is known.</summary>
    public async Task WriteAllAsync<T>(IEnumerable<T> items, Action<T> write)
    {
        foreach (var batch in items.Chunk(Batch))
        {
            foreach (var item in batch)
                write(item);
            await FlushAsync();
        }
    }

    /// <summary>Writes what comes until the source ends or the caller goes.</summary>
    public async Task FollowAsync<T>(ChannelReader<T> arrivals, Action<T> write)
    {
        while (await WaitAsync(arrivals.WaitToReadAsync(Stop).AsTask()))
        {
            for (var i = 0; i < Batch && arrivals.TryRead(out var item); i++)
                write(item);
            await FlushAsync();
        }
    }

    /// <summary>Waits, with signs of life in between.</summary>
    public async Task<T> WaitAsync<T>(Task<T> next)
    {
        while (true)
        {
            try
            {
                return await next.WaitAsync(KeepAlive, _clock, Stop);
            }
            catch (TimeoutException)
            {
                _response.BodyWriter.Write("\n"u8);
                await FlushAsync();
            }
        }
    }
}

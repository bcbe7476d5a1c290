using System.Buffers;
using System.Text.Json;
using System.Threading.Channels;

namespace Aspire.Dashboard.Api;

/// <summary>A response that goes on: one JSON object a line.</summary>
sealed class NdJson(HttpContext context, TimeProvider clock)
{
    // Tells both ends that the other is still there; an empty line is nothing to a reader.
    static readonly TimeSpan KeepAlive = TimeSpan.FromSeconds(15);

    readonly HttpResponse _response = context.Response;

    public async Task StartAsync()
    {
        _response.ContentType = "application/x-ndjson";
        _response.Headers.CacheControl = "no-store";
        _response.Headers["X-Accel-Buffering"] = "no";
        await FlushAsync();
    }

    public void Write(Action<Utf8JsonWriter> write)
    {
        using (var json = new Utf8JsonWriter(_response.BodyWriter))
            write(json);
        _response.BodyWriter.Write("\n"u8);
    }

    public async Task FlushAsync() => await _response.BodyWriter.FlushAsync(context.RequestAborted);

    /// <summary>Writes what comes until the caller goes; what is there already goes out together.</summary>
    public async Task FollowAsync<T>(ChannelReader<T> arrivals, Action<T> write)
    {
        while (await WaitAsync(arrivals.WaitToReadAsync(context.RequestAborted).AsTask()))
        {
            for (var i = 0; i < 256 && arrivals.TryRead(out var item); i++)
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
                return await next.WaitAsync(KeepAlive, clock, context.RequestAborted);
            }
            catch (TimeoutException)
            {
                _response.BodyWriter.Write("\n"u8);
                await FlushAsync();
            }
        }
    }
}

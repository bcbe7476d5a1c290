using StackExchange.Redis;

namespace Aspire.StackExchange.Redis;

static class RedisConnection
{
    /// <summary>Blocks for at most ConnectTimeout times ConnectRetry, 5 s unless the options say otherwise; the result may still be disconnected and goes on trying by itself.</summary>
    public static IConnectionMultiplexer Open(ConfigurationOptions options, bool traced)
    {
        var multiplexer = ConnectionMultiplexer.Connect(options);
        // StackExchange.Redis 1.x hands replies out one after the other on one thread. A continuation that blocks there
        // holds up every later reply for ever.
        multiplexer.PreserveAsyncOrder = false;
        return traced ? new TracedConnection(multiplexer) : multiplexer;
    }
}

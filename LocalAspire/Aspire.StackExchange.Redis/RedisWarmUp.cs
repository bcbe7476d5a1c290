using Microsoft.Extensions.Hosting;
using StackExchange.Redis;

namespace Aspire.StackExchange.Redis;

/// <summary>
/// Connects before the first request comes in. Connecting blocks the thread that resolves the client and needs the thread pool itself:
/// a burst of first requests would take every thread and wait for a connection that none is left to make.
/// </summary>
sealed class RedisWarmUp(Func<IConnectionMultiplexer> connection) : IHostedService
{
    public Task StartAsync(CancellationToken cancellationToken) => Task.Run(connection, cancellationToken);

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
}

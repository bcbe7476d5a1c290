using Microsoft.Extensions.Hosting;

namespace Aspire.StackExchange.Redis;

/// <summary>A Redis client that has been registered; what builds on it, such as a cache, hangs its own methods here.</summary>
/// <param name="hostBuilder">The application it is registered with.</param>
/// <param name="settings">Its settings.</param>
/// <param name="serviceKey">Null for the client that is registered without a key.</param>
public sealed class AspireRedisClientBuilder(IHostApplicationBuilder hostBuilder, StackExchangeRedisSettings settings, string? serviceKey)
{
    public IHostApplicationBuilder HostBuilder { get; } = hostBuilder ?? throw new ArgumentNullException(nameof(hostBuilder));

    public StackExchangeRedisSettings Settings { get; } = settings;

    public string? ServiceKey { get; } = serviceKey;
}

namespace Aspire.StackExchange.Redis;

/// <summary>Settings of a Redis client, bound from <c>Aspire:StackExchange:Redis</c> and <c>Aspire:StackExchange:Redis:{name}</c>.</summary>
public sealed class StackExchangeRedisSettings
{
    /// <summary>Whether the host leaves it to the first use to create the client. Default: true. Here a client with a connection string connects while the host starts anyway.</summary>
    public bool DisableAutoActivation { get; set; } = true;

    /// <summary>The connection string; <c>ConnectionStrings:{name}</c> overrides the bound value.</summary>
    public string? ConnectionString { get; set; }

    /// <summary>Whether no health check is registered. Default: false.</summary>
    public bool DisableHealthChecks { get; set; }

    /// <summary>Whether spans of commands are not collected. Default: false.</summary>
    public bool DisableTracing { get; set; }
}

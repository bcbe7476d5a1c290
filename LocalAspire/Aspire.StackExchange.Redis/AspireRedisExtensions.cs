using Aspire.StackExchange.Redis;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using OpenTelemetry.Trace;
using StackExchange.Redis;

namespace Microsoft.Extensions.Hosting;

/// <summary>Registration of Redis clients.</summary>
public static class AspireRedisExtensions
{
    const string ConfigSection = "Aspire:StackExchange:Redis";

    /// <summary>
    /// Registers <see cref="IConnectionMultiplexer"/> (singleton) for <c>ConnectionStrings:{connectionName}</c>, with health check
    /// <c>StackExchange.Redis</c> and spans. It connects while the host starts, does not fail if Redis is away then, and reconnects by itself.
    /// A missing connection string is an <see cref="InvalidOperationException"/> when the client is first resolved.
    /// </summary>
    public static void AddRedisClient(
        this IHostApplicationBuilder builder,
        string connectionName,
        Action<StackExchangeRedisSettings>? configureSettings = null,
        Action<ConfigurationOptions>? configureOptions = null) =>
        Add(builder, connectionName, serviceKey: null, configureSettings, configureOptions);

    /// <summary>
    /// The same, registered under the key <paramref name="name"/>, with health check <c>StackExchange.Redis_{name}</c>.
    /// </summary>
    public static void AddKeyedRedisClient(
        this IHostApplicationBuilder builder,
        string name,
        Action<StackExchangeRedisSettings>? configureSettings = null,
        Action<ConfigurationOptions>? configureOptions = null) =>
        Add(builder, name, serviceKey: name, configureSettings, configureOptions);

    /// <inheritdoc cref="AddRedisClient"/>
    public static AspireRedisClientBuilder AddRedisClientBuilder(
        this IHostApplicationBuilder builder,
        string connectionName,
        Action<StackExchangeRedisSettings>? configureSettings = null,
        Action<ConfigurationOptions>? configureOptions = null) =>
        Add(builder, connectionName, serviceKey: null, configureSettings, configureOptions);

    /// <inheritdoc cref="AddKeyedRedisClient"/>
    public static AspireRedisClientBuilder AddKeyedRedisClientBuilder(
        this IHostApplicationBuilder builder,
        string name,
        Action<StackExchangeRedisSettings>? configureSettings = null,
        Action<ConfigurationOptions>? configureOptions = null) =>
        Add(builder, name, serviceKey: name, configureSettings, configureOptions);

    static AspireRedisClientBuilder Add(
        IHostApplicationBuilder builder,
        string connectionName,
        string? serviceKey,
        Action<StackExchangeRedisSettings>? configureSettings,
        Action<ConfigurationOptions>? configureOptions)
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentException.ThrowIfNullOrEmpty(connectionName);

        var settings = ReadSettings(builder.Configuration, connectionName);
        configureSettings?.Invoke(settings);

        // A null key makes a keyed descriptor an ordinary one.
        builder.Services.Add(new ServiceDescriptor(typeof(IConnectionMultiplexer), serviceKey,
            (_, _) => RedisConnection.Open(ReadOptions(builder.Configuration, settings, connectionName, configureOptions), traced: !settings.DisableTracing), ServiceLifetime.Singleton));

        if (!string.IsNullOrEmpty(settings.ConnectionString))
            builder.Services.AddSingleton<IHostedService>(services => new RedisWarmUp(() => Connection(services, serviceKey)));
        if (!settings.DisableTracing)
            builder.Services.ConfigureOpenTelemetryTracerProvider(tracing => tracing.AddSource(TracedDatabase.SourceName));
        if (!settings.DisableHealthChecks)
            AddHealthCheck(builder, serviceKey is null ? "StackExchange.Redis" : $"StackExchange.Redis_{serviceKey}", serviceKey);

        return new(builder, settings, serviceKey);
    }

    static StackExchangeRedisSettings ReadSettings(IConfiguration configuration, string connectionName)
    {
        var settings = new StackExchangeRedisSettings();
        configuration.GetSection(ConfigSection).Bind(settings);
        configuration.GetSection($"{ConfigSection}:{connectionName}").Bind(settings);
        if (configuration.GetConnectionString(connectionName) is { Length: > 0 } connectionString)
            settings.ConnectionString = connectionString;
        return settings;
    }

    static ConfigurationOptions ReadOptions(
        IConfiguration configuration, StackExchangeRedisSettings settings, string connectionName, Action<ConfigurationOptions>? configure)
    {
        var options = string.IsNullOrEmpty(settings.ConnectionString)
            ? new ConfigurationOptions()
            : ConfigurationOptions.Parse(settings.ConnectionString);
        // A service must be able to start while Redis is still on its way up or hangs, unless the connection string wants it otherwise: the client goes
        // on trying by itself, so further attempts before the start would only hold it up.
        if (!Says("abortConnect"))
            options.AbortOnConnectFail = false;
        if (!Says("connectRetry"))
            options.ConnectRetry = 1;
        configuration.GetSection($"{ConfigSection}:ConfigurationOptions").Bind(options);
        configuration.GetSection($"{ConfigSection}:{connectionName}:ConfigurationOptions").Bind(options);
        configure?.Invoke(options);

        return options.EndPoints.Count > 0
            ? options
            : throw new InvalidOperationException(
                $"No endpoints specified. Ensure a valid connection string was provided in 'ConnectionStrings:{connectionName}' or for the '{ConfigSection}:ConnectionString' or '{ConfigSection}:{connectionName}:ConnectionString' configuration.");

        bool Says(string option) => settings.ConnectionString?.Contains(option, StringComparison.OrdinalIgnoreCase) is true;
    }

    static IConnectionMultiplexer Connection(IServiceProvider services, string? serviceKey) => serviceKey is null
        ? services.GetRequiredService<IConnectionMultiplexer>()
        : services.GetRequiredKeyedService<IConnectionMultiplexer>(serviceKey);

    static void AddHealthCheck(IHostApplicationBuilder builder, string name, string? serviceKey)
    {
        if (!builder.Properties.TryAdd($"Aspire.HealthChecks.{name}", true))
            return;

        builder.Services.AddHealthChecks().Add(new HealthCheckRegistration(
            name, services => new RedisHealthCheck(() => Connection(services, serviceKey)), failureStatus: null, tags: null)
        {
            Timeout = TimeSpan.FromSeconds(5),
        });
    }
}

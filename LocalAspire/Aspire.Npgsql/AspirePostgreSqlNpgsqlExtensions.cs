using System.Data.Common;
using Aspire.Npgsql;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Logging;
using Npgsql;
using OpenTelemetry.Metrics;
using OpenTelemetry.Trace;

namespace Microsoft.Extensions.Hosting;

/// <summary>Registration of PostgreSQL data sources.</summary>
public static class AspirePostgreSqlNpgsqlExtensions
{
    const string ConfigSection = "Aspire:Npgsql";

    /// <summary>
    /// Registers <see cref="NpgsqlDataSource"/> (singleton) and <see cref="NpgsqlConnection"/> (transient), and both as their base types, for
    /// <c>ConnectionStrings:{connectionName}</c>, with health check <c>PostgreSql</c>, spans and metrics.
    /// A missing connection string is an <see cref="InvalidOperationException"/> when the data source is first resolved.
    /// </summary>
    public static void AddNpgsqlDataSource(
        this IHostApplicationBuilder builder,
        string connectionName,
        Action<NpgsqlSettings>? configureSettings = null,
        Action<NpgsqlDataSourceBuilder>? configureDataSourceBuilder = null) =>
        Add(builder, connectionName, serviceKey: null, configureSettings, configureDataSourceBuilder);

    /// <summary>
    /// The same, registered under the key <paramref name="name"/>, with health check <c>PostgreSql_{name}</c>.
    /// </summary>
    public static void AddKeyedNpgsqlDataSource(
        this IHostApplicationBuilder builder,
        string name,
        Action<NpgsqlSettings>? configureSettings = null,
        Action<NpgsqlDataSourceBuilder>? configureDataSourceBuilder = null) =>
        Add(builder, name, serviceKey: name, configureSettings, configureDataSourceBuilder);

    static void Add(
        IHostApplicationBuilder builder,
        string connectionName,
        string? serviceKey,
        Action<NpgsqlSettings>? configureSettings,
        Action<NpgsqlDataSourceBuilder>? configureDataSourceBuilder)
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentException.ThrowIfNullOrEmpty(connectionName);

        var settings = ReadSettings(builder.Configuration, connectionName);
        configureSettings?.Invoke(settings);

        // A null key makes a keyed descriptor an ordinary one.
        builder.Services.Add(new ServiceDescriptor(typeof(NpgsqlDataSource), serviceKey,
            (services, _) => BuildDataSource(services, settings, connectionName, configureDataSourceBuilder), ServiceLifetime.Singleton));
        builder.Services.Add(new ServiceDescriptor(typeof(NpgsqlConnection), serviceKey,
            (services, _) => DataSource(services, serviceKey).CreateConnection(), ServiceLifetime.Transient));
        builder.Services.TryAdd(new ServiceDescriptor(typeof(DbDataSource), serviceKey, (services, _) => DataSource(services, serviceKey), ServiceLifetime.Singleton));
        builder.Services.TryAdd(new ServiceDescriptor(typeof(DbConnection), serviceKey,
            (services, _) => DataSource(services, serviceKey).CreateConnection(), ServiceLifetime.Transient));

        if (!settings.DisableHealthChecks)
            AddHealthCheck(builder, serviceKey is null ? "PostgreSql" : $"PostgreSql_{serviceKey}", serviceKey);
        if (!settings.DisableTracing)
            builder.Services.ConfigureOpenTelemetryTracerProvider(tracing => tracing.AddSource("Npgsql"));
        if (!settings.DisableMetrics)
            builder.Services.ConfigureOpenTelemetryMeterProvider(metrics => metrics.AddMeter("Npgsql"));
    }

    static NpgsqlSettings ReadSettings(IConfiguration configuration, string connectionName)
    {
        var settings = new NpgsqlSettings();
        configuration.GetSection(ConfigSection).Bind(settings);
        configuration.GetSection($"{ConfigSection}:{connectionName}").Bind(settings);
        if (configuration.GetConnectionString(connectionName) is { Length: > 0 } connectionString)
            settings.ConnectionString = connectionString;
        return settings;
    }

    static NpgsqlDataSource BuildDataSource(
        IServiceProvider services, NpgsqlSettings settings, string connectionName, Action<NpgsqlDataSourceBuilder>? configure)
    {
        if (string.IsNullOrEmpty(settings.ConnectionString))
            throw new InvalidOperationException(
                $"ConnectionString is missing. It should be provided in 'ConnectionStrings:{connectionName}' or under the 'ConnectionString' key in '{ConfigSection}' or '{ConfigSection}:{connectionName}' configuration section.");

        // Unnamed, the data source tags spans and metrics with its connection string.
        var builder = new NpgsqlDataSourceBuilder(settings.ConnectionString) { Name = connectionName };
        builder.UseLoggerFactory(services.GetService<ILoggerFactory>());
        configure?.Invoke(builder);
        return builder.Build();
    }

    static NpgsqlDataSource DataSource(IServiceProvider services, string? serviceKey) => serviceKey is null
        ? services.GetRequiredService<NpgsqlDataSource>()
        : services.GetRequiredKeyedService<NpgsqlDataSource>(serviceKey);

    static void AddHealthCheck(IHostApplicationBuilder builder, string name, string? serviceKey)
    {
        if (!builder.Properties.TryAdd($"Aspire.HealthChecks.{name}", true))
            return;

        builder.Services.AddHealthChecks().Add(new HealthCheckRegistration(
            name, services => new NpgsqlHealthCheck(() => DataSource(services, serviceKey)), failureStatus: null, tags: null)
        {
            Timeout = TimeSpan.FromSeconds(5),
        });
    }
}

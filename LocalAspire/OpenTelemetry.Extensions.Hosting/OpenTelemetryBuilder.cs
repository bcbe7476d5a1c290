using Microsoft.Extensions.DependencyInjection;
using OpenTelemetry.Logs;
using OpenTelemetry.Metrics;
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;

namespace OpenTelemetry;

/// <summary>Configures the tracer, meter and logger providers of a host. Several builders over the same services share one of each.</summary>
public sealed class OpenTelemetryBuilder : IOpenTelemetryBuilder
{
    internal OpenTelemetryBuilder(IServiceCollection services) => Services = services;

    /// <inheritdoc />
    public IServiceCollection Services { get; }

    /// <summary>Adds to the resource of all three signals.</summary>
    public OpenTelemetryBuilder ConfigureResource(Action<ResourceBuilder> configure)
    {
        OpenTelemetryBuilderSdkExtensions.ConfigureResource(this, configure);
        return this;
    }

    /// <summary>Registers a <see cref="MeterProvider"/>.</summary>
    public OpenTelemetryBuilder WithMetrics() => WithMetrics(_ => { });

    /// <summary>Registers a <see cref="MeterProvider"/> and configures it.</summary>
    public OpenTelemetryBuilder WithMetrics(Action<MeterProviderBuilder> configure)
    {
        OpenTelemetryBuilderSdkExtensions.WithMetrics(this, configure);
        return this;
    }

    /// <summary>Registers a <see cref="TracerProvider"/>.</summary>
    public OpenTelemetryBuilder WithTracing() => WithTracing(_ => { });

    /// <summary>Registers a <see cref="TracerProvider"/> and configures it.</summary>
    public OpenTelemetryBuilder WithTracing(Action<TracerProviderBuilder> configure)
    {
        OpenTelemetryBuilderSdkExtensions.WithTracing(this, configure);
        return this;
    }

    /// <summary>Registers a <see cref="LoggerProvider"/> and the <c>ILogger</c> integration.</summary>
    public OpenTelemetryBuilder WithLogging() => WithLogging(null, null);

    /// <summary>Registers a <see cref="LoggerProvider"/> and the <c>ILogger</c> integration, and configures the provider.</summary>
    public OpenTelemetryBuilder WithLogging(Action<LoggerProviderBuilder> configure) => WithLogging(configure, null);

    /// <summary>Registers a <see cref="LoggerProvider"/> and the <c>ILogger</c> integration, and configures both.</summary>
    public OpenTelemetryBuilder WithLogging(
        Action<LoggerProviderBuilder>? configureBuilder,
        Action<OpenTelemetryLoggerOptions>? configureOptions)
    {
        OpenTelemetryBuilderSdkExtensions.WithLogging(this, configureBuilder, configureOptions);
        return this;
    }
}

using AspireJobs.Jobs.ApiKeys;
using AspireJobs.Jobs.Credentials;
using AspireJobs.Jobs.Instances;
using AspireJobs.Jobs.Schedules;
using AspireJobs.Jobs.Webhooks;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;
using OpenTelemetry.Metrics;
using OpenTelemetry.Trace;

namespace AspireJobs.Jobs;

/// <summary>Registration of the job library.</summary>
public static class JobsExtensions
{
    /// <summary>
    /// Adds stores, queue, signals and telemetry of jobs. Needs an <c>NpgsqlDataSource</c> and a Redis connection, which
    /// the caller adds by <c>AddNpgsqlDataSource</c> and <c>AddRedisClient</c>, and the setting <c>Credentials:MasterKey</c>.
    /// </summary>
    public static TBuilder AddJobs<TBuilder>(this TBuilder builder) where TBuilder : IHostApplicationBuilder
    {
        var services = builder.Services;
        services.TryAddSingleton(TimeProvider.System);
        services.AddSingleton<JobIntake>();
        services.AddSingleton<JobStore>();
        services.AddSingleton<JobWaits>();
        services.AddSingleton<JobLeases>();
        services.AddSingleton<JobResults>();
        services.AddSingleton<JobUpkeep>();
        services.AddSingleton<JobRetention>();
        services.AddSingleton<Leadership>();
        services.AddSingleton<JobOutput>();
        services.AddSingleton<QueueStore>();
        services.AddSingleton<WorkerStore>();
        services.AddSingleton<JobQueue>();
        services.AddSingleton<JobSignals>();
        services.AddSingleton<ApiKeyStore>();
        services.AddSingleton<CredentialStore>();
        services.AddSingleton<SecretVars>();
        services.AddSingleton<ScheduleStore>();
        services.AddSingleton<ScheduleFires>();
        services.AddSingleton<DeliveryStore>();
        services.AddOptions<MasterKeyOptions>().BindConfiguration(MasterKeyOptions.Section).Validate(
            options => options.MasterKey.Length >= MasterKeyOptions.ShortestKey,
            $"{MasterKeyOptions.Section}:MasterKey must be set to at least {MasterKeyOptions.ShortestKey} random characters; the app host generates one.").ValidateOnStart();
        services.AddSingleton<MasterKey>();
        services.AddHostedService<CountersAtZero>();
        services.AddSingleton<InstanceStore>();
        services.AddHostedService<InstanceHeartbeat>();
        services.ConfigureOpenTelemetryTracerProvider(tracing => tracing.AddSource(JobsTelemetry.Name));
        services.ConfigureOpenTelemetryMeterProvider(metrics => metrics.AddMeter(JobsTelemetry.Name));
        return builder;
    }

    sealed class CountersAtZero : IHostedService
    {
        public Task StartAsync(CancellationToken cancellationToken)
        {
            JobsTelemetry.StartAtZero();
            return Task.CompletedTask;
        }

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}

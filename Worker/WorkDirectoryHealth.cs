using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace AspireJobs.Worker;

/// <summary>A worker that cannot write to its directory takes no jobs.</summary>
internal sealed class WorkDirectoryHealth(PrivateDirectory directory) : IHealthCheck
{
    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default) =>
        Task.FromResult(directory.Fault is { } fault ? new HealthCheckResult(context.Registration.FailureStatus, fault) : HealthCheckResult.Healthy());
}

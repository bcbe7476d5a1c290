using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace AspireJobs.Tests.Hosting;

/// <summary>What a resource waits for before it starts.</summary>
public sealed class WaitTests
{
    static CancellationToken Stop => Apps.Stop;

    [Fact]
    public async Task A_resource_waits_for_another_one_to_be_healthy_and_ready()
    {
        await using var builder = Apps.Create();
        var isHealthy = false;
        builder.Services.AddHealthChecks().AddCheck("gate", () => isHealthy ? HealthCheckResult.Healthy() : HealthCheckResult.Unhealthy());
        var readyMayEnd = new TaskCompletionSource();
        var server = builder.AddSleeper("server").WithHealthCheck("gate").OnResourceReady((_, _, _) => readyMayEnd.Task);
        builder.AddSleeper("client").WaitFor(server);
        await using var app = await builder.BuildAsync(Stop);
        var starting = app.StartAsync(Stop);

        await app.ResourceNotifications.WaitForResourceAsync("client", KnownResourceStates.Waiting, Stop);
        await app.ResourceNotifications.WaitForResourceAsync("server", e => e.Snapshot.HealthStatus is HealthStatus.Unhealthy, Stop);
        isHealthy = true;
        await app.ResourceNotifications.WaitForResourceAsync("server", e => e.Snapshot.HealthStatus is HealthStatus.Healthy, Stop);
        Assert.Equal(KnownResourceStates.Waiting, app.State("client"));
        Assert.False(starting.IsCompleted);

        readyMayEnd.SetResult();
        await starting;
        Assert.Equal(KnownResourceStates.Running, app.State("client"));
        Assert.Equal(
            [
                "Waiting for resource 'server' to enter the 'Running' state.",
                "Waiting for resource 'server' to become healthy.",
                "Waiting for resource ready to execute for 'server'.",
                "Finished waiting for resource 'server'.",
            ],
            await app.LogAsync("client"));
    }

    [Theory]
    [InlineData("exit 3", WaitBehavior.StopOnResourceUnavailable, "FailedToStart")]
    [InlineData("exit 3", null, "FailedToStart")]
    [InlineData("exit 3", WaitBehavior.WaitOnResourceUnavailable, "Waiting")]
    public async Task What_becomes_of_who_waits_for_a_process_that_crashes_depends_on_the_behaviour(string script, WaitBehavior? behavior, string expected)
    {
        await using var builder = Apps.Create();
        builder.Services.AddHealthChecks().AddCheck("never", () => HealthCheckResult.Unhealthy());
        var server = builder.AddScript("server", script).WithHealthCheck("never");
        var client = builder.AddSleeper("client");
        if (behavior is { } given)
            client.WaitFor(server, given);
        else
            client.WaitFor(server);
        await using var app = await builder.BuildAsync(Stop);
        var starting = app.StartAsync(Stop);

        await app.ResourceNotifications.WaitForResourceAsync("server", KnownResourceStates.Finished, Stop);
        await app.ResourceNotifications.WaitForResourceAsync("client", expected, Stop);

        Assert.Equal(3, app.Snapshot("server").ExitCode);
        // The start ends once nobody waits any more, which is a moment after the state is told.
        if (expected is "Waiting")
            Assert.False(starting.IsCompleted);
        else
            await starting;
    }

    [Theory]
    [InlineData("exit 0", 0, "Running")]
    [InlineData("exit 3", 3, "Running")]
    [InlineData("exit 3", 0, "FailedToStart")]
    public async Task Waiting_for_completion_looks_at_the_exit_code(string script, int exitCode, string expected)
    {
        await using var builder = Apps.Create();
        var job = builder.AddScript("job", script);
        builder.AddSleeper("client").WaitForCompletion(job, exitCode);

        await using var app = await builder.StartAsync();

        Assert.Equal(expected, app.State("client"));
    }

    [Fact]
    public async Task Waiting_for_the_start_does_not_look_at_health()
    {
        await using var builder = Apps.Create();
        builder.Services.AddHealthChecks().AddCheck("never", () => HealthCheckResult.Unhealthy());
        var server = builder.AddSleeper("server").WithHealthCheck("never");
        builder.AddSleeper("client").WaitForStart(server);

        await using var app = await builder.StartAsync();

        Assert.Equal(KnownResourceStates.Running, app.State("client"));
    }
}

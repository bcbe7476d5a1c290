using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Testing;

namespace AspireJobs.Tests.Hosting;

/// <summary>Commands of resources: those that every process has, and those of an app host.</summary>
public sealed class CommandTests
{
    static CancellationToken Stop => Apps.Stop;

    [Fact]
    public async Task Commands_stop_start_and_restart()
    {
        await using var builder = Apps.Create();
        var ready = 0;
        builder.AddSleeper("app").OnResourceReady((_, _, _) =>
        {
            Interlocked.Increment(ref ready);
            return Task.CompletedTask;
        });
        await using var app = await builder.StartAsync();
        await app.ResourceNotifications.WaitForResourceHealthyAsync("app", Stop);
        Assert.Equal([("start", ResourceCommandState.Hidden), ("stop", ResourceCommandState.Enabled), ("restart", ResourceCommandState.Enabled)], Commands(app));

        Assert.True((await app.ResourceCommands.ExecuteCommandAsync("app", KnownResourceCommands.StopCommand, Stop)).Success);
        Assert.Equal(KnownResourceStates.Finished, app.State("app"));
        Assert.Equal([("start", ResourceCommandState.Enabled), ("stop", ResourceCommandState.Hidden), ("restart", ResourceCommandState.Disabled)], Commands(app));

        Assert.True((await app.ResourceCommands.ExecuteCommandAsync("app", KnownResourceCommands.StartCommand, Stop)).Success);
        await app.ResourceNotifications.WaitForResourceHealthyAsync("app", Stop);
        Assert.Null(app.Snapshot("app").ExitCode);

        var first = app.Snapshot("app").StartTimeStamp;
        Assert.True((await app.ResourceCommands.ExecuteCommandAsync("app", KnownResourceCommands.RestartCommand, Stop)).Success);
        await app.ResourceNotifications.WaitForResourceHealthyAsync("app", Stop);
        Assert.True(app.Snapshot("app").StartTimeStamp > first);
        Assert.Equal(3, ready);

        var missing = await app.ResourceCommands.ExecuteCommandAsync("nobody", KnownResourceCommands.StopCommand, Stop);
        Assert.Equal((false, "Resource 'nobody' not found."), (missing.Success, missing.Message));
        var unknown = await app.ResourceCommands.ExecuteCommandAsync("app", "dance", Stop);
        Assert.False(unknown.Success);
        Assert.Contains("dance", unknown.Message);
    }

    [Fact]
    public async Task A_restart_keeps_the_public_port_and_evaluates_the_environment_again()
    {
        await using var builder = Apps.Create();
        var starts = 0;
        var server = builder.AddScript("app", "echo start $START on $PORT; sleep 600").WithHttpEndpoint(env: "PORT")
            .WithEnvironment("START", () => $"{Interlocked.Increment(ref starts)}");
        await using var app = await builder.StartAsync();
        var port = server.GetEndpoint("http").Port;

        await app.ResourceCommands.ExecuteCommandAsync(server.Resource, KnownResourceCommands.RestartCommand, Stop);

        Assert.Equal((2, port), (starts, server.GetEndpoint("http").Port));
    }

    [Fact]
    public async Task An_explicit_start_waits_for_the_command()
    {
        await using var builder = Apps.Create();
        builder.AddSleeper("tool").WithExplicitStart();
        await using var app = await builder.StartAsync();
        Assert.Equal(KnownResourceStates.NotStarted, app.State("tool"));

        await app.ResourceCommands.ExecuteCommandAsync("tool", KnownResourceCommands.StartCommand, Stop);

        Assert.Equal(KnownResourceStates.Running, app.State("tool"));
    }

    [Fact]
    public async Task The_start_command_ends_the_waiting()
    {
        await using var builder = Apps.Create();
        var tool = builder.AddSleeper("tool").WithExplicitStart();
        builder.AddSleeper("client").WaitFor(tool, WaitBehavior.WaitOnResourceUnavailable);
        await using var app = await builder.BuildAsync(Stop);
        var starting = app.StartAsync(Stop);
        await app.ResourceNotifications.WaitForResourceAsync("client", KnownResourceStates.Waiting, Stop);

        Assert.True((await app.ResourceCommands.ExecuteCommandAsync("client", KnownResourceCommands.StartCommand, Stop)).Success);

        await starting;
        Assert.Equal(KnownResourceStates.Running, app.State("client"));
    }

    [Fact]
    public async Task A_command_of_ones_own_runs_and_its_exception_is_its_result()
    {
        await using var builder = Apps.Create();
        builder.AddSleeper("app")
            .WithCommand("greet", "Greet", context => Task.FromResult(CommandResults.Success($"hello from {context.ResourceName}")))
            .WithCommand("fail", "Fail", _ => throw new InvalidOperationException("out of order"), new CommandOptions { UpdateState = _ => ResourceCommandState.Disabled });
        await using var app = await builder.StartAsync();

        Assert.StartsWith("hello from app-", (await app.ResourceCommands.ExecuteCommandAsync("app", "greet", Stop)).Message);
        var failure = await app.ResourceCommands.ExecuteCommandAsync("app", "fail", Stop);
        Assert.Equal((false, "out of order"), (failure.Success, failure.Message));
        Assert.Contains(app.Snapshot("app").Commands, command => command is { Name: "fail", State: ResourceCommandState.Disabled });
    }

    static IEnumerable<(string, ResourceCommandState)> Commands(DistributedApplication app) => app.Snapshot("app").Commands.Select(command => (command.Name, command.State));
}

using System.Globalization;
using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Eventing;
using Aspire.Hosting.Lifecycle;
using Aspire.Hosting.Testing;
using AspireJobs.Tests.Infrastructure;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace AspireJobs.Tests.Hosting;

/// <summary>How resources come up and go down: states, waiting, events, commands.</summary>
public sealed class LifecycleTests
{
    static CancellationToken Stop => Apps.Stop;

    [Fact]
    public async Task Events_come_in_their_order()
    {
        await using var builder = Apps.Create();
        var events = new List<string>();
        Task Note(string name)
        {
            lock (events)
                events.Add(name);
            return Task.CompletedTask;
        }
        builder.Services.AddSingleton<Func<string, Task>>(Note);
        builder.Services.AddEventingSubscriber<Subscriber>();
        builder.OnBeforeStart((_, _) => Note("before start"));
        builder.AddSleeper("app").WithHttpEndpoint(env: "PORT")
            .OnResourceEndpointsAllocated((_, _, _) => Note("endpoints"))
            .OnBeforeResourceStarted((_, _, _) => Note("before resource"))
            .WithEnvironment(_ => Note("environment"))
            .OnResourceReady((_, _, _) => Note("ready"))
            .OnResourceStopped((_, e, _) => Note($"stopped {e.ResourceEvent.Snapshot.State!.Text}"));
        builder.Eventing.Subscribe<AfterResourcesCreatedEvent>((_, _) => Note("after created"));

        await using (var app = await builder.StartAsync())
            await app.ResourceNotifications.WaitForResourceHealthyAsync("app", Stop);

        events.Remove("ready");
        Assert.Equal(["subscriber", "before start", "endpoints", "before resource", "environment", "after created", "stopped Finished"], events);
    }

    [Fact]
    public async Task Handlers_run_one_by_one_and_the_first_that_throws_ends_it()
    {
        var eventing = new DistributedApplicationEventing();
        var calls = new List<int>();
        eventing.Subscribe<Happening>(async (_, _) =>
        {
            await Task.Yield();
            calls.Add(1);
        });
        eventing.Subscribe<Happening>((_, _) => throw new InvalidOperationException("second"));
        eventing.Subscribe<Happening>((_, _) =>
        {
            calls.Add(3);
            return Task.CompletedTask;
        });

        var fault = await Assert.ThrowsAsync<InvalidOperationException>(() => eventing.PublishAsync(new Happening(), Stop));

        Assert.Equal(("second", 1), (fault.Message, Assert.Single(calls)));
        Assert.Throws<ArgumentException>(() => eventing.Subscribe<IDistributedApplicationEvent>((_, _) => Task.CompletedTask));
    }

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

    [Fact]
    public async Task An_exception_of_a_ready_handler_fails_who_waits()
    {
        await using var builder = Apps.Create();
        var server = builder.AddSleeper("server").OnResourceReady((_, _, _) => throw new InvalidOperationException("no seed data"));
        builder.AddSleeper("client").WaitFor(server);

        await using var app = await builder.StartAsync();

        Assert.Equal(KnownResourceStates.FailedToStart, app.State("client"));
        Assert.Contains(await app.LogAsync("client"), line => line.Contains("no seed data", StringComparison.Ordinal));
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

    [Fact]
    public async Task A_custom_resource_drives_itself()
    {
        await using var builder = Apps.Create();
        var custom = builder.AddResource(new Custom("custom"))
            .WithInitialState(new() { ResourceType = "Custom", State = "Thinking", Properties = [new("depth", 42)] })
            .OnInitializeResource(async (resource, e, _) =>
            {
                Assert.Equal("Thinking", e.Services.GetRequiredService<ResourceNotificationService>().TryGetCurrentState("custom", out var now) ? now.Snapshot.State?.Text : null);
                await e.Notifications.PublishUpdateAsync(resource, s => s with { State = KnownResourceStates.Running });
            });
        builder.AddSleeper("client").WaitFor(custom);

        await using var app = await builder.StartAsync();

        Assert.Equal(KnownResourceStates.Running, app.State("client"));
        Assert.Equal(("Custom", 42), (app.Snapshot("custom").ResourceType, app.Snapshot("custom").Properties.Single().Value));
    }

    [Fact]
    public async Task A_custom_resource_tells_its_own_health()
    {
        await using var builder = Apps.Create();
        var custom = builder.AddResource(new Custom("custom"))
            .WithInitialState(new() { ResourceType = "Custom", State = KnownResourceStates.Running, Properties = [] });
        await using var app = await builder.StartAsync();

        await app.ResourceNotifications.PublishUpdateAsync(custom.Resource, s => s.WithHealthReports([new("pump", HealthStatus.Degraded, "slow", null), new("tank", HealthStatus.Healthy, null, null)]));

        Assert.Equal(HealthStatus.Degraded, app.Snapshot("custom").HealthStatus);
    }

    [Fact]
    public async Task What_a_resource_depends_on_is_found_through_all_that_it_was_given()
    {
        await using var builder = Apps.Create();
        var token = builder.AddParameter("token", "x", secret: true);
        var server = builder.AddSleeper("server").WithHttpEndpoint().WithEnvironment("TOKEN", token);
        var connection = builder.AddConnectionString("connection", ReferenceExpression.Create($"Url={server.GetEndpoint("http")}"));
        var job = builder.AddSleeper("job");
        var client = builder.AddSleeper("client").WithReference(connection).WithArgs(context => context.Args.Add(token.Resource)).WaitForCompletion(job);

        var direct = await client.Resource.GetResourceDependenciesAsync(builder.ExecutionContext, ResourceDependencyDiscoveryMode.DirectOnly, Stop);
        var all = await server.Resource.GetResourceDependenciesAsync(builder.ExecutionContext, cancellationToken: Stop);
        var ofConnection = await connection.Resource.GetResourceDependenciesAsync(builder.ExecutionContext, cancellationToken: Stop);

        Assert.Equal(["connection", "job", "token"], direct.Select(resource => resource.Name).Order(StringComparer.Ordinal));
        Assert.Equal(["token"], all.Select(resource => resource.Name));
        Assert.Equal(["server", "token"], ofConnection.Select(resource => resource.Name).Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task An_external_service_has_a_url_and_health()
    {
        await using var builder = Apps.Create("--Parameters:address=not-a-url");
        builder.AddExternalService("good", "https://service.example/");
        builder.AddExternalService("bad", builder.AddParameter("address"));
        Assert.Throws<ArgumentException>(() => builder.AddExternalService("path", "https://service.example/path"));
        await using var app = await builder.StartAsync();

        await app.ResourceNotifications.WaitForResourceAsync("good", KnownResourceStates.Running, Stop);
        await app.ResourceNotifications.WaitForResourceAsync("bad", KnownResourceStates.FailedToStart, Stop);
        Assert.Equal("https://service.example/", Assert.Single(app.Snapshot("good").Urls).Url);
        Assert.Contains(await app.LogAsync("bad"), line => line.Contains("'address'", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Urls_are_those_of_the_endpoints_and_what_callbacks_make_of_them()
    {
        await using var builder = Apps.Create();
        builder.AddSleeper("app").WithHttpEndpoint()
            .WithUrl("https://docs.example", "Docs")
            .WithUrlForEndpoint("http", url => url.DisplayText = "Home")
            .WithUrlForEndpoint("http", endpoint => new ResourceUrlAnnotation { Url = "/admin", DisplayLocation = UrlDisplayLocation.DetailsOnly });
        await using var app = await builder.StartAsync();

        var urls = app.Snapshot("app").Urls;
        var home = urls.Single(url => url.DisplayProperties.DisplayName == "Home").Url;
        Assert.Equal([home, $"{home}/admin", "https://docs.example"], urls.Select(url => url.Url).Order(StringComparer.Ordinal));
        Assert.All(urls, url => Assert.False(url.IsInactive));
    }

    [Fact]
    public async Task What_is_known_of_a_process_is_its_program_and_what_it_was_given()
    {
        await using var builder = Apps.Create();
        var server = builder.AddSleeper("server").WithExplicitStart();
        builder.AddScript("app", "sleep 600").WithEnvironment("MODE", "fast");
        builder.AddSleeper("client").WaitForStart(server);
        await using var app = await builder.BuildAsync(Stop);
        var starting = app.StartAsync(Stop);

        await app.ResourceNotifications.WaitForResourceAsync("app", KnownResourceStates.Running, Stop);
        var snapshot = app.Snapshot("app");
        Assert.Equal("Executable", snapshot.ResourceType);
        Assert.Contains(snapshot.EnvironmentVariables, variable => variable == new EnvironmentVariableSnapshot("MODE", "fast", IsFromSpec: true));
        Assert.EndsWith("/sh", (string)Property(snapshot, "executable.path")!, StringComparison.Ordinal);
        Assert.Equal(["-c", "sleep 600"], (IEnumerable<string>)Property(snapshot, "executable.args")!);
        Assert.True(snapshot.Properties.Single(property => property.Name == "executable.args").IsSensitive);

        await app.ResourceNotifications.WaitForResourceAsync("client", KnownResourceStates.Waiting, Stop);
        Assert.Equal(["server"], (IEnumerable<string>)Property(app.Snapshot("client"), "resource.waitingFor")!);
        await app.ResourceCommands.ExecuteCommandAsync("server", KnownResourceCommands.StartCommand, Stop);
        await starting;
        Assert.Null(Property(app.Snapshot("client"), "resource.waitingFor"));

        static object? Property(CustomResourceSnapshot snapshot, string name) => snapshot.Properties.FirstOrDefault(property => property.Name == name)?.Value;
    }

    [Fact]
    public async Task Replicas_share_the_public_port_and_are_ready_once()
    {
        Apps.RequireStandIns();
        await using var builder = Apps.Create();
        var ready = 0;
        // Answers with the number of its process.
        var server = builder.AddExecutable("server", "python3", ".", "-c", """
            import http.server, os
            class Handler(http.server.BaseHTTPRequestHandler):
                def do_GET(self):
                    self.send_response(200)
                    self.end_headers()
                    self.wfile.write(str(os.getpid()).encode())
            http.server.ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
            """).WithHttpEndpoint(env: "PORT").WithHttpHealthCheck("/").OnResourceReady((_, _, _) =>
            {
                Interlocked.Increment(ref ready);
                return Task.CompletedTask;
            });
        server.WithAnnotation(new ReplicaAnnotation(2));
        await using var app = await builder.StartAsync();
        await app.ResourceNotifications.WaitForResourceHealthyAsync("server", Stop);

        // A connection of its own for each request: the proxy chooses for each connection.
        using var handler = new SocketsHttpHandler { PooledConnectionLifetime = TimeSpan.Zero };
        using var client = new HttpClient(handler) { BaseAddress = app.GetEndpoint("server") };
        var processes = new HashSet<string>();
        while (processes.Count < 2)
            processes.Add(await client.GetStringAsync("/", Stop));

        var one = await app.ResourceNotifications.WaitForResourceAsync("server", e => e.Snapshot.State?.Text == KnownResourceStates.Running, Stop);
        await app.ResourceCommands.ExecuteCommandAsync(one.ResourceId, KnownResourceCommands.RestartCommand, Stop);
        while (processes.Count < 3)
            processes.Add(await client.GetStringAsync("/", Stop));
        Assert.Equal(1, ready);
    }

    [Fact]
    public async Task Nothing_is_left_of_an_application_that_is_disposed()
    {
        await using var builder = Apps.Create();
        // It starts another process, and neither it nor that one ends when asked to.
        var stubborn = builder.AddScript("stubborn", "trap '' TERM; sleep 600 & echo these are $$ $!; wait; wait");
        var app = await builder.StartAsync();
        var line = await app.WatchLogAsync(stubborn.Resource, line => line.Contains("these are", StringComparison.Ordinal));

        await app.DisposeAsync();

        // A kill is sent and takes a moment. What nobody has waited for yet has no command line any more.
        while (line.Split(' ')[^2..].Any(process => Processes.Describe(int.Parse(process, CultureInfo.InvariantCulture)).Length > 0))
            await Task.Delay(TimeSpan.FromMilliseconds(20), TimeProvider.System, Stop);
    }

    [Fact]
    public async Task Hidden_resources_and_those_that_have_done_their_work_are_marked()
    {
        await using var builder = Apps.Create();
        builder.AddSleeper("hidden").WithHidden();
        builder.AddScript("done", "exit 0").WithHiddenOnCompletion();
        builder.AddScript("partly", "exit 3").WithHiddenOnCompletion(3);
        builder.AddScript("failed", "exit 4").WithHiddenOnCompletion(0, 3);
        await using var app = await builder.StartAsync();

        foreach (var job in new[] { "done", "partly", "failed" })
            await app.ResourceNotifications.WaitForResourceAsync(job, KnownResourceStates.Finished, Stop);
        Assert.Equal([true, true, true, false], new[] { "hidden", "done", "partly", "failed" }.Select(name => app.Snapshot(name).IsHidden));
    }

    [Fact]
    public async Task A_program_that_a_resource_needs_and_does_not_find_is_told_in_its_log()
    {
        await using var builder = Apps.Create();
        builder.AddSleeper("app").WithRequiredCommand("no-such-program", "https://install.example").WithRequiredCommand("sh").WithRequiredCommand("/bin/sh");

        await using var app = await builder.StartAsync();

        Assert.Equal(KnownResourceStates.Running, app.State("app"));
        var warning = Assert.Single(await app.LogAsync("app"));
        Assert.All(["'no-such-program'", "https://install.example"], part => Assert.Contains(part, warning));
    }

    static IEnumerable<(string, ResourceCommandState)> Commands(DistributedApplication app) => app.Snapshot("app").Commands.Select(command => (command.Name, command.State));

    sealed class Happening : IDistributedApplicationEvent;

    sealed class Custom(string name) : Resource(name);

    sealed class Subscriber(Func<string, Task> note) : IDistributedApplicationEventingSubscriber
    {
        public Task SubscribeAsync(IDistributedApplicationEventing eventing, DistributedApplicationExecutionContext executionContext, CancellationToken cancellationToken) => note("subscriber");
    }
}

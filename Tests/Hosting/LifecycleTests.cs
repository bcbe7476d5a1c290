using System.Globalization;
using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Testing;
using AspireJobs.Tests.Infrastructure;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace AspireJobs.Tests.Hosting;

/// <summary>What resources are and tell while they live: their own health, URLs, properties, replicas, and that nothing is left of them.</summary>
public sealed class LifecycleTests
{
    static CancellationToken Stop => Apps.Stop;

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

    sealed class Custom(string name) : Resource(name);
}

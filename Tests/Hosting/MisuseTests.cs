using System.Net;
using System.Net.Sockets;
using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Testing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace AspireJobs.Tests.Hosting;

/// <summary>What is wrong is named, with the remedy where there is one.</summary>
public sealed class MisuseTests
{
    [Theory]
    [InlineData("", "between 1 and 64")]
    [InlineData("1st", "start with an ASCII letter")]
    [InlineData("a_b", "only ASCII letters, digits, and hyphens")]
    [InlineData("a--b", "consecutive hyphens")]
    [InlineData("a-", "end with a hyphen")]
    [InlineData("an-extremely-long-name-of-a-resource-that-nobody-would-ever-want-to-type", "between 1 and 64")]
    public void A_malformed_name(string name, string expected)
    {
        using var builder = Apps.Create();

        Assert.Contains(expected, Assert.Throws<ArgumentException>(() => builder.AddParameter(name)).Message);
    }

    [Fact]
    public void A_name_that_is_taken()
    {
        using var builder = Apps.Create();
        builder.AddParameter("one");

        Assert.Contains("'One'", Assert.Throws<DistributedApplicationException>(() => builder.AddSleeper("One")).Message);
    }

    [Fact]
    public void Waiting_for_oneself_or_ones_parent()
    {
        using var builder = Apps.Create();
        var app = builder.AddSleeper("app");

        Assert.Equal("The 'app' resource cannot wait for itself.", Assert.Throws<DistributedApplicationException>(() => app.WaitFor(app)).Message);
        var part = builder.AddResource(new Part("part", app.Resource));
        Assert.Equal("The 'part' resource cannot wait for its parent 'app'.", Assert.Throws<DistributedApplicationException>(() => part.WaitFor(app)).Message);
    }

    [Fact]
    public void An_endpoint_that_does_not_exist_is_named_with_those_that_do()
    {
        using var builder = Apps.Create();
        var app = builder.AddSleeper("app").WithHttpEndpoint(name: "web");
        var endpoint = app.GetEndpoint("wbe");

        Assert.False(endpoint.Exists);
        var message = Assert.Throws<InvalidOperationException>(() => endpoint.Url).Message;
        Assert.All(["'wbe'", "'app'", "'web'"], part => Assert.Contains(part, message));
        Assert.Contains("'app'", Assert.Throws<DistributedApplicationException>(() => builder.AddSleeper("bare").WithHttpHealthCheck("/health")).Message.Replace("'bare'", "'app'", StringComparison.Ordinal));
        Assert.Contains("not allocated", Assert.Throws<InvalidOperationException>(() => app.GetEndpoint("web").Url).Message);
    }

    [Theory]
    [InlineData(5000, 5000, null, 1, "isProxied: false")]
    [InlineData(5000, 5001, false, 1, "must be the same")]
    [InlineData(null, null, false, 2, "2 replicas")]
    [InlineData(null, 5001, null, 2, "fixed target port")]
    public async Task Ports_that_cannot_be_had(int? port, int? targetPort, bool? isProxied, int replicas, string expected)
    {
        await using var builder = Apps.Create();
        builder.AddProject<Projects.Api>("api", launchProfileName: null).WithReplicas(replicas).WithHttpEndpoint(port, targetPort, isProxied: isProxied);

        var fault = await Assert.ThrowsAnyAsync<DistributedApplicationException>(() => builder.StartAsync());

        Assert.Contains("'http'", fault.Message);
        Assert.Contains("'api'", fault.Message);
        Assert.Contains(expected, fault.Message);
    }

    [Theory]
    [InlineData(null)]
    [InlineData(false)]
    public async Task A_port_that_another_program_has(bool? isProxied)
    {
        Apps.RequireStandIns();
        using var other = new TcpListener(IPAddress.Loopback, 0);
        other.Start();
        var port = ((IPEndPoint)other.LocalEndpoint).Port;
        await using var builder = Apps.Create("--DcpPublisher:RandomizePorts=false");
        builder.AddSleeper("app").WithHttpEndpoint(port, name: "web", isProxied: isProxied);
        // Its patience with a predecessor that is about to let the port go.
        builder.Services.AddSingleton<TimeProvider>(new FastClock());

        var fault = await Assert.ThrowsAnyAsync<DistributedApplicationException>(() => builder.StartAsync());

        Assert.All([$"port {port}", "'web'", "'app'", "taken by another program", "ss -ltnp"], part => Assert.Contains(part, fault.Message));
    }

    [Fact]
    public async Task A_container_whose_port_nobody_knows()
    {
        Apps.RequireStandIns();
        await using var builder = Apps.Create();
        builder.AddContainer("search", "example/search").WithHttpEndpoint();

        var fault = await Assert.ThrowsAnyAsync<DistributedApplicationException>(() => builder.StartAsync());

        Assert.All(["'search'", "'http'", "target port"], part => Assert.Contains(part, fault.Message));
    }

    [Fact]
    public async Task A_process_that_crashes_at_its_start_is_named_with_its_last_words()
    {
        Apps.RequireStandIns();
        await using var builder = Apps.Create();
        var log = builder.RecordLog();
        builder.AddScript("app", "echo cannot read the settings >&2; exit 7");

        await using var app = await builder.StartAsync();
        await app.ResourceNotifications.WaitForResourceAsync("app", KnownResourceStates.Finished, Apps.Stop);

        Assert.Equal(7, app.Snapshot("app").ExitCode);
        Assert.Contains(log, line => new[] { "'app-", "exit code 7", "cannot read the settings" }.All(part => line.Contains(part, StringComparison.Ordinal)));
    }

    [Fact]
    public async Task A_health_check_that_never_passes_is_named_with_its_reason()
    {
        Apps.RequireStandIns();
        await using var builder = Apps.Create();
        builder.Services.AddSingleton<TimeProvider>(new FastClock());
        builder.Services.AddHealthChecks().AddCheck("database", () => HealthCheckResult.Unhealthy("no route to host"));
        var server = builder.AddSleeper("server").WithHealthCheck("database");
        builder.AddSleeper("client").WaitFor(server);
        await using var app = await builder.BuildAsync(Apps.Stop);
        var starting = app.StartAsync(Apps.Stop);

        var line = await app.WatchLogAsync(server.Resource, line => line.Contains("still not healthy", StringComparison.Ordinal));

        Assert.All(["'server'", "database", "no route to host"], part => Assert.Contains(part, line));
        Assert.Equal(KnownResourceStates.Waiting, app.State("client"));
        Assert.False(starting.IsCompleted);
    }

    [Fact]
    public async Task A_health_check_that_nobody_registered()
    {
        await using var builder = Apps.Create();
        builder.AddSleeper("app").WithHealthCheck("forgotten");

        var fault = await Assert.ThrowsAnyAsync<DistributedApplicationException>(() => builder.StartAsync());

        Assert.Contains("A health check registration is missing", fault.Message);
        Assert.Contains("'forgotten'", fault.Message);
    }

    [Fact]
    public void A_health_check_twice()
    {
        using var builder = Apps.Create();

        Assert.Contains("'twice'", Assert.Throws<DistributedApplicationException>(() => builder.AddSleeper("app").WithHealthCheck("twice").WithHealthCheck("twice")).Message);
    }

    [Fact]
    public void A_project_file_that_is_not_there()
    {
        using var builder = Apps.Create();

        var message = Assert.Throws<DistributedApplicationException>(() => builder.AddProject("ghost", "../Ghost/Ghost.csproj")).Message;

        Assert.Contains("Ghost.csproj", message);
        Assert.Contains("'ghost'", message);
    }

    [Fact]
    public void An_address_in_the_settings_that_is_none()
    {
        Apps.RequireStandIns();
        using var builder = Apps.Create();
        using var project = new WebProject("""{ "Kestrel": { "Endpoints": { "Web": { "Url": "nonsense" } } } }""");

        var message = Assert.Throws<DistributedApplicationException>(() => builder.AddProject("web", project.Path)).Message;

        Assert.All(["Kestrel:Endpoints:Web:Url", "nonsense", project.Path], part => Assert.Contains(part, message));
    }

    [Fact]
    public void A_launch_profile_that_is_not_there()
    {
        using var builder = Apps.Create();

        Assert.Contains("'missing'", Assert.Throws<DistributedApplicationException>(() => builder.AddProject<Projects.Api>("api", "missing")).Message);
    }

    [Fact]
    public async Task A_program_that_is_not_there_fails_its_resource_only()
    {
        await using var builder = Apps.Create();
        builder.AddExecutable("bad", "no-such-program", ".");
        builder.AddSleeper("good");

        await using var app = await builder.StartAsync();

        Assert.Equal((KnownResourceStates.FailedToStart, KnownResourceStates.Running), (app.State("bad"), app.State("good")));
        Assert.Contains(await app.LogAsync("bad"), line => line.Contains("'no-such-program'", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_container_without_an_engine_is_named()
    {
        Apps.RequireStandIns();
        await using var builder = Apps.Create();
        builder.AddContainer("search", "example/search");

        var fault = await Assert.ThrowsAnyAsync<DistributedApplicationException>(() => builder.StartAsync());

        Assert.Contains("'search'", fault.Message);
    }

    [Fact]
    public async Task A_parameter_without_a_value_says_how_to_set_it()
    {
        await using var builder = Apps.Create();
        var parameter = builder.AddParameter("api-token", secret: true);
        builder.AddSleeper("client").WithEnvironment("TOKEN", parameter);

        await using var app = await builder.StartAsync();

        Assert.Equal((KnownResourceStates.ValueMissing, KnownResourceStates.FailedToStart), (app.State("api-token"), app.State("client")));
        Assert.Contains(await app.LogAsync("client"), line => line.Contains("Parameters:api-token", StringComparison.Ordinal) && line.Contains("user-secrets", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_process_that_ends_is_told_to_who_waits_for_its_health()
    {
        await using var builder = Apps.Create();
        builder.AddScript("app", "exit 3");
        await using var app = await builder.StartAsync();
        await app.ResourceNotifications.WaitForResourceAsync("app", KnownResourceStates.Finished, Apps.Stop);

        var fault = await Assert.ThrowsAsync<DistributedApplicationException>(() => app.ResourceNotifications.WaitForResourceHealthyAsync("app", Apps.Stop));
        Assert.Contains("'app'", fault.Message);
        await Assert.ThrowsAsync<DistributedApplicationException>(() => app.ResourceNotifications.WaitForResourceHealthyAsync("nobody", Apps.Stop));
    }

    [Fact]
    public async Task Questions_before_the_start_and_for_what_does_not_exist()
    {
        await using var builder = Apps.Create();
        builder.AddSleeper("app").WithHttpEndpoint();
        await using var app = await builder.BuildAsync(Apps.Stop);
        Assert.Throws<InvalidOperationException>(() => app.GetEndpoint("app"));

        await app.StartAsync(Apps.Stop);

        Assert.Throws<ArgumentException>(() => app.GetEndpoint("nobody"));
        Assert.Throws<ArgumentException>(() => app.GetEndpoint("app", "admin"));
        await Assert.ThrowsAsync<ArgumentException>(async () => await app.GetConnectionStringAsync("app", Apps.Stop));
    }

    sealed class Part(string name, ExecutableResource whole) : Resource(name), IResourceWithParent<ExecutableResource>, IResourceWithWaitSupport
    {
        public ExecutableResource Parent => whole;
    }

    /// <summary>Whose every wait is over at once.</summary>
    sealed class FastClock : TimeProvider
    {
        long _elapsed;

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
        {
            Interlocked.Add(ref _elapsed, Math.Max(0, dueTime.Ticks));
            return base.CreateTimer(callback, state, dueTime > TimeSpan.Zero ? TimeSpan.FromMilliseconds(1) : dueTime, period);
        }

        public override long TimestampFrequency => TimeSpan.TicksPerSecond;

        public override long GetTimestamp() => Interlocked.Read(ref _elapsed);
    }
}

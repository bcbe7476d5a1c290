using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Testing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace AspireJobs.Tests.Hosting;

/// <summary>What a container engine is told, by one that writes it down.</summary>
public sealed class ContainerTests : IDisposable
{
    readonly FakeEngine _engine = new();

    [Fact]
    public async Task Redis_gets_its_password_through_the_environment_and_its_port_on_the_loopback_address()
    {
        await using var builder = Create();
        var redis = builder.AddRedis("cache", password: builder.AddParameter("secret", "sesame")).WithDataVolume("cache-data").WithPersistence().WithHostPort(16379);
        builder.Configuration["DcpPublisher:RandomizePorts"] = "false";
        await using var app = await builder.BuildAsync(Apps.Stop);
        var starting = app.StartAsync(Apps.Stop);
        await app.ResourceNotifications.WaitForResourceAsync("cache", KnownResourceStates.Running, Apps.Stop);

        var create = await _engine.CreateAsync("cache");
        var name = create[2];
        Assert.StartsWith("cache-", name, StringComparison.Ordinal);
        Assert.Equal(
            ["--network-alias", "cache", "--network-alias", "cache.dev.internal", "--add-host", "host.docker.internal:host-gateway", "--publish", "127.0.0.1:16379:6379",
            "--env", "REDIS_PASSWORD", "--mount", "type=volume,source=cache-data,target=/data", "--entrypoint", "/bin/sh",
            "docker.io/library/redis:8.6", "-c", "redis-server --requirepass $REDIS_PASSWORD --save 60 1"],
            create[7..]);
        Assert.Equal("sesame", await File.ReadAllTextAsync(_engine.Path("REDIS_PASSWORD"), Apps.Stop));
        Assert.DoesNotContain(await _engine.CallsAsync(), call => call.Contains("sesame", StringComparison.Ordinal));
        Assert.Equal(16379, redis.Resource.PrimaryEndpoint.Port);
        await app.WatchLogAsync(redis.Resource, line => line.EndsWith("hello from the container", StringComparison.Ordinal));
        await app.DisposeAsync();
        await Task.WhenAny(starting);
        Assert.Equal([$"stop -t 10 id-of-{name}", $"rm --force --volumes id-of-{name}"], (await _engine.CallsAsync()).Where(call => call.StartsWith("stop", StringComparison.Ordinal) || call.StartsWith("rm", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task Postgres_gets_what_its_image_asks_for()
    {
        await using var builder = Create();
        builder.AddPostgres("pg").WithDataVolume("pg-data").AddDatabase("db");
        await using var app = await builder.BuildAsync(Apps.Stop);
        _ = app.StartAsync(Apps.Stop);

        var create = await _engine.CreateAsync("pg");

        Assert.Equal(
            ["--env", "POSTGRES_HOST_AUTH_METHOD", "--env", "POSTGRES_INITDB_ARGS", "--env", "POSTGRES_USER", "--env", "POSTGRES_PASSWORD",
            "--mount", "type=volume,source=pg-data,target=/var/lib/postgresql", "docker.io/library/postgres:18.3"],
            create[15..]);
    }

    [Fact]
    public async Task A_container_is_started_with_all_that_was_said_of_it()
    {
        await using var builder = Create();
        var host = builder.AddSleeper("host").WithHttpEndpoint();
        var web = builder.AddContainer("web", "registry.example/team/web", "1.2").WithHttpEndpoint(targetPort: 80, env: "PORT");
        builder.AddContainer("search", "example/search", "3")
            .WithHttpEndpoint(targetPort: 9200)
            .WithBindMount("/etc", "/host/etc", isReadOnly: true)
            .WithVolume("/scratch")
            .WithEntrypoint("/start")
            .WithArgs("--fast", "a b")
            .WithContainerName("my-search")
            .WithContainerRuntimeArgs("--memory", "1g")
            .WithEnvironment("HOST", host.GetEndpoint("http"))
            .WithEnvironment("WEB", web.GetEndpoint("http"))
            .WithEnvironment("PATH", "/own/bin");
        await using var app = await builder.StartAsync();

        var create = await _engine.CreateAsync("search");
        Assert.Equal("my-search", create[2]);
        Assert.Equal(
            ["--env", "HOST", "--env", "WEB", "--env", "PATH=/own/bin", "--mount", "type=bind,source=/etc,target=/host/etc,readonly", "--mount", "type=volume,target=/scratch",
            "--entrypoint", "/start", "--memory", "1g", "example/search:3", "--fast", "a b"],
            create[15..]);
        var variables = app.Snapshot("search").EnvironmentVariables.ToDictionary(variable => variable.Name, variable => variable.Value);
        Assert.Equal($"http://host.docker.internal:{host.GetEndpoint("http").Port}", variables["HOST"]);
        Assert.Equal("http://web.dev.internal:80", variables["WEB"]);
        Assert.Contains(app.Snapshot("web").EnvironmentVariables, variable => variable is { Name: "PORT", Value: "80" });
        Assert.Equal("registry.example/team/web:1.2", (await _engine.CreateAsync("web"))[^1]);
    }

    [Fact]
    public async Task A_container_that_ends_is_exited_with_its_exit_code_and_a_command_starts_it_again()
    {
        await using var builder = Create();
        builder.AddContainer("job", "example/job");
        await using var app = await builder.StartAsync();

        _engine.End(3);
        await app.ResourceNotifications.WaitForResourceAsync("job", KnownResourceStates.Exited, Apps.Stop);
        Assert.Equal(3, app.Snapshot("job").ExitCode);

        Assert.True((await app.ResourceCommands.ExecuteCommandAsync("job", KnownResourceCommands.StartCommand, Apps.Stop)).Success);
        Assert.Equal(KnownResourceStates.Running, app.State("job"));
        Assert.True((await app.ResourceCommands.ExecuteCommandAsync("job", KnownResourceCommands.StopCommand, Apps.Stop)).Success);
        Assert.Equal(KnownResourceStates.Exited, app.State("job"));
    }

    [Fact]
    public async Task A_container_that_cannot_be_started_says_why_and_leaves_the_others_running()
    {
        await using var builder = Create();
        var log = builder.RecordLog();
        builder.AddSleeper("app");
        builder.AddContainer("search", "example/search");
        _engine.Fail("start", "port is already allocated");
        await using var app = await builder.StartAsync();
        await app.ResourceNotifications.WaitForResourceAsync("search", KnownResourceStates.FailedToStart, Apps.Stop);

        Assert.Equal(KnownResourceStates.Running, app.State("app"));
        Assert.Contains(log, line => line.Contains("port is already allocated", StringComparison.Ordinal));
    }

    [Fact]
    public async Task An_image_that_cannot_be_pulled_is_named_with_the_reason()
    {
        await using var builder = Create();
        builder.AddContainer("search", "example/search", "3");
        FailToPull();

        await using var app = await builder.StartAsync();

        Assert.Equal(KnownResourceStates.FailedToStart, app.State("search"));
        Assert.Contains(await app.LogAsync("search"), line =>
            new[] { "docker cannot pull", "'example/search:3'", "'search'", "no route to the registry" }.All(part => line.Contains(part, StringComparison.Ordinal)));
    }

    [Fact]
    public async Task A_store_whose_image_cannot_be_pulled_runs_as_a_process_of_this_machine_and_says_so()
    {
        await using var builder = Create();
        var log = builder.RecordLog();
        builder.AddRedis("cache");
        FailToPull();

        await using var app = await builder.StartAsync();
        await app.ResourceNotifications.WaitForResourceHealthyAsync("cache", Apps.Stop);

        Assert.Contains(log, line => new[] { "'cache' runs as a process of this machine", "no route to the registry" }.All(part => line.Contains(part, StringComparison.Ordinal)));
        Assert.DoesNotContain(await _engine.CallsAsync(), call => call.StartsWith("create", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_store_that_must_be_a_container_keeps_the_application_from_starting_without_its_image()
    {
        await using var builder = Create("--Aspire:Containers=true");
        builder.AddRedis("cache");
        FailToPull();

        var fault = await Assert.ThrowsAnyAsync<DistributedApplicationException>(() => builder.StartAsync());

        Assert.Contains("no route to the registry", fault.Message);
    }

    [Fact]
    public async Task A_volume_that_another_container_uses_is_not_given_to_a_second_server()
    {
        await using var builder = Create();
        builder.AddRedis("cache").WithDataVolume("cache-data");
        _engine.Answer("ps --filter", "cache-of-another");
        builder.Services.AddSingleton<TimeProvider>(new ImpatientClock());

        var fault = await Assert.ThrowsAnyAsync<DistributedApplicationException>(() => builder.StartAsync());

        Assert.All(["'cache-data'", "'cache'", "docker stop cache-of-another"], part => Assert.Contains(part, fault.Message));
    }

    [Fact]
    public async Task What_a_killed_app_host_left_behind_is_removed_and_what_a_running_one_has_is_not()
    {
        await using var builder = Create();
        builder.AddContainer("search", "example/search");
        using var self = System.Diagnostics.Process.GetCurrentProcess();
        var running = $"{Environment.MachineName}/{self.Id}/{new DateTimeOffset(self.StartTime).ToUnixTimeSeconds()}";
        _engine.Answer("ps --all", $"dead|search-x|{Environment.MachineName}/1/7\nfar|search-y|another-machine/1/7\nalive|search-z|{running}");

        await using var app = await builder.StartAsync();

        Assert.Contains("stop -t 10 dead", await _engine.CallsAsync());
        Assert.Contains("rm --force --volumes dead", await _engine.CallsAsync());
    }

    [Fact]
    public async Task A_lasting_container_outlives_the_app_host_and_is_taken_up_again()
    {
        await StartAndDisposeAsync();
        Assert.DoesNotContain(await _engine.CallsAsync(), call => call.StartsWith("stop", StringComparison.Ordinal) || call.StartsWith("rm", StringComparison.Ordinal));
        var create = await _engine.CreateAsync("search");
        var label = create.Single(argument => argument.StartsWith("local-aspire.lasting=", StringComparison.Ordinal));
        Assert.DoesNotContain(create, argument => argument.StartsWith("local-aspire.owner", StringComparison.Ordinal));
        _engine.Answer("inspect --format {{index", label.Split('=')[1]);

        await StartAndDisposeAsync();

        Assert.Single(await _engine.CallsAsync(), call => call.StartsWith("create", StringComparison.Ordinal));
        Assert.Contains(await _engine.CallsAsync(), call => call == $"start {create[2]}");

        async Task StartAndDisposeAsync()
        {
            await using var builder = Create();
            builder.AddContainer("search", "example/search").WithHttpEndpoint(targetPort: 9200).WithLifetime(ContainerLifetime.Persistent);
            await using var app = await builder.StartAsync();
            await app.ResourceNotifications.WaitForResourceAsync("search", KnownResourceStates.Running, Apps.Stop);
        }
    }

    [Fact]
    public async Task An_image_that_is_not_to_be_pulled_is_not()
    {
        await using var builder = Create();
        builder.AddContainer("search", "example/search").WithImagePullPolicy(ImagePullPolicy.Never);
        _engine.Fail("image", "no such image");

        await using var app = await builder.StartAsync();

        Assert.Equal(KnownResourceStates.FailedToStart, app.State("search"));
        Assert.DoesNotContain(await _engine.CallsAsync(), call => call.StartsWith("pull", StringComparison.Ordinal));
    }

    [Fact]
    public async Task An_image_is_built_from_its_dockerfile()
    {
        await using var builder = Create();
        builder.AddDockerfile("tool", "/srv/tool", stage: "final").WithBuildArg("VERSION", "7");

        await using var app = await builder.StartAsync();

        Assert.Contains("build --tag tool:latest --file /srv/tool/Dockerfile --target final --build-arg VERSION=7 /srv/tool", await _engine.CallsAsync());
    }

    [Fact]
    public async Task An_engine_that_does_not_answer_is_none()
    {
        await using var builder = Create();
        builder.AddContainer("search", "example/search");
        _engine.Fail("ps", "is the daemon running?");

        var fault = await Assert.ThrowsAnyAsync<DistributedApplicationException>(() => builder.StartAsync());

        Assert.All(["'search' needs a container", "no container engine answers"], part => Assert.Contains(part, fault.Message));
    }

    void FailToPull()
    {
        _engine.Fail("image", "no such image");
        _engine.Fail("pull", "no route to the registry");
    }

    IDistributedApplicationTestingBuilder Create(params string[] args)
    {
        Apps.RequireStandIns();
        var builder = DistributedApplicationTestingBuilder.Create(["--Aspire:Containers=auto", "--Aspire:Store:Temporary=false", $"--ASPIRE_CONTAINER_RUNTIME={_engine.Path("docker")}", .. args]);
        builder.Services.AddLogging(logging => logging.ClearProviders());
        return builder;
    }

    /// <summary>A wait is as long as it is, and looks a hundred times as long.</summary>
    sealed class ImpatientClock : TimeProvider
    {
        public override long TimestampFrequency => base.TimestampFrequency / 100;
    }

    public void Dispose() => _engine.Dispose();
}

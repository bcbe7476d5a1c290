using System.Diagnostics;
using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Testing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace AspireJobs.Tests.Hosting;

/// <summary>Redis and Postgres in containers, where an engine answers that has their images.</summary>
public sealed class RealContainerTests
{
    const string Redis = "docker.io/library/redis:8.6";
    const string Postgres = "docker.io/library/postgres:18.3";

    [Fact]
    public async Task Redis_and_postgres_are_healthy_have_their_databases_and_leave_nothing()
    {
        var engine = await RequireEngineAsync();
        var builder = Create();
        builder.AddRedis("redis").WithDataVolume();
        builder.AddPostgres("postgres").WithDataVolume().AddDatabase("jobsdb");
        await using var app = await builder.StartAsync();
        await app.ResourceNotifications.WaitForResourceHealthyAsync("redis", Apps.Stop);
        await app.ResourceNotifications.WaitForResourceHealthyAsync("jobsdb", Apps.Stop);
        var containers = await Task.WhenAll(ContainerOfAsync(app, engine, "redis"), ContainerOfAsync(app, engine, "postgres"));
        Assert.All(containers, container => Assert.NotEqual("", container));

        await app.DisposeAsync();

        foreach (var container in containers)
            Assert.Equal("", await RunAsync(engine, "ps", "--all", "--quiet", "--filter", $"id={container}"));
    }

    [Fact]
    public async Task Data_survives_a_restart_of_the_app_host_and_a_crashed_server_is_reported()
    {
        var engine = await RequireEngineAsync();
        var volume = $"aspirejobs-test-{Guid.NewGuid():N}";
        try
        {
            await using (var first = await StartAsync())
                await ExecuteAsync(first, "create table kept (id int); insert into kept values (42)");

            await using var second = await StartAsync();
            Assert.Equal(42, await ExecuteAsync(second, "select id from kept"));

            await RunAsync(engine, "kill", await ContainerOfAsync(second, engine, "postgres"));
            await second.ResourceNotifications.WaitForResourceAsync("postgres", KnownResourceStates.Exited, Apps.Stop);
            Assert.Equal(137, second.Snapshot("postgres").ExitCode);
            Assert.True((await second.ResourceCommands.ExecuteCommandAsync("postgres", KnownResourceCommands.StartCommand, Apps.Stop)).Success);
            await second.ResourceNotifications.WaitForResourceHealthyAsync("jobsdb", Apps.Stop);
            Assert.Equal(42, await ExecuteAsync(second, "select id from kept"));
        }
        finally
        {
            await RunAsync(engine, "volume", "rm", volume);
        }

        async Task<DistributedApplication> StartAsync()
        {
            var builder = Create("--Aspire:Store:Temporary=false");
            builder.AddPostgres("postgres", password: builder.AddParameter("secret", "sesame")).WithDataVolume(volume).AddDatabase("jobsdb");
            var app = await builder.StartAsync();
            await app.ResourceNotifications.WaitForResourceHealthyAsync("jobsdb", Apps.Stop);
            return app;
        }

        async Task<object?> ExecuteAsync(DistributedApplication app, string sql)
        {
            await using var source = NpgsqlDataSource.Create((await app.GetConnectionStringAsync("jobsdb", Apps.Stop))!);
            await using var command = source.CreateCommand(sql);
            return await command.ExecuteScalarAsync(Apps.Stop);
        }
    }

    [Fact]
    public async Task Containers_find_each_other_by_name()
    {
        await RequireEngineAsync();
        var builder = Create();
        var redis = builder.AddRedis("redis");
        builder.AddContainer("client", Redis).WithReference(redis).WaitFor(redis).WithEntrypoint("/bin/sh")
            .WithArgs("-c", "redis-cli -h $REDIS_HOST -p $REDIS_PORT -a $REDIS_PASSWORD --no-auth-warning ping");
        await using var app = await builder.StartAsync();

        await app.ResourceNotifications.WaitForResourceAsync("client", KnownResourceStates.Exited, Apps.Stop);

        Assert.Equal(0, app.Snapshot("client").ExitCode);
        Assert.Contains("PONG", await app.LogAsync("client"));
    }

    [Fact]
    public async Task Nothing_is_left_of_an_app_host_that_is_killed()
    {
        var engine = await RequireEngineAsync();
        using var host = Process.Start(new ProcessStartInfo(Path.Combine(AppContext.BaseDirectory, "AppHost"))
        {
            RedirectStandardOutput = true,
            Environment =
            {
                ["DOTNET_ENVIRONMENT"] = "Development", ["DcpPublisher__RandomizePorts"] = "true", ["Aspire__Containers"] = "true", ["Aspire__Store__Temporary"] = "true",
                ["Parameters__admin_api_key"] = "aj_key-of-the-container-test", ["Parameters__credential_master_key"] = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJ",
                ["Parameters__redis_password"] = "redis-of-the-container-test", ["Parameters__postgres_password"] = "postgres-of-the-container-test",
            },
        })!;
        while (await CountAsync() < 2)
            await Task.Delay(TimeSpan.FromMilliseconds(100), TimeProvider.System, Apps.Stop);

        host.Kill();

        while (await CountAsync() > 0)
            await Task.Delay(TimeSpan.FromMilliseconds(100), TimeProvider.System, Apps.Stop);

        async Task<int> CountAsync()
        {
            var ids = (await RunAsync(engine, "ps", "--all", "--quiet", "--filter", "label=local-aspire.owner")).Split('\n', StringSplitOptions.RemoveEmptyEntries);
            var owners = ids.Length == 0 ? "" : await RunAsync(engine, ["inspect", "--format", "{{index .Config.Labels \"local-aspire.owner\"}}", .. ids]);
            return owners.Split('\n').Count(owner => owner.StartsWith($"{Environment.MachineName}/{host.Id}/", StringComparison.Ordinal));
        }
    }

    [Fact]
    public async Task A_lasting_container_is_the_same_in_the_next_run()
    {
        var engine = await RequireEngineAsync();
        var name = $"aspirejobs-test-{Guid.NewGuid():N}";
        try
        {
            var first = await StartAsync();
            Assert.Equal(first, await StartAsync());
            Assert.NotEqual("", await RunAsync(engine, "ps", "--quiet", "--filter", $"name={name}"));
        }
        finally
        {
            var network = await RunAsync(engine, "inspect", "--format", "{{range $name, $_ := .NetworkSettings.Networks}}{{$name}}{{end}}", name);
            await RunAsync(engine, "rm", "--force", "--volumes", name);
            await RunAsync(engine, "network", "rm", network);
        }

        async Task<string> StartAsync()
        {
            var builder = Create();
            builder.AddRedis("redis", password: builder.AddParameter("secret", "sesame")).WithContainerName(name).WithLifetime(ContainerLifetime.Persistent);
            await using var app = await builder.StartAsync();
            await app.ResourceNotifications.WaitForResourceHealthyAsync("redis", Apps.Stop);
            return await RunAsync(engine, "inspect", "--format", "{{.Id}} {{.State.StartedAt}}", name);
        }
    }

    static IDistributedApplicationTestingBuilder Create(params string[] args)
    {
        var builder = DistributedApplicationTestingBuilder.Create(["--Aspire:Containers=true", .. args]);
        builder.Services.AddLogging(logging => logging.ClearProviders());
        return builder;
    }

    static async Task<string> RequireEngineAsync()
    {
        Apps.RequireStandIns();
        foreach (var engine in new[] { "docker", "podman" })
        {
            try
            {
                if (await RunAsync(engine, "images", "--quiet", Redis) != "" && await RunAsync(engine, "images", "--quiet", Postgres) != "")
                    return engine;
            }
            catch (System.ComponentModel.Win32Exception)
            {
                // It is not installed.
            }
        }
        Assert.Skip($"No container engine answers that has the images {Redis} and {Postgres}.");
        return "";
    }

    static Task<string> ContainerOfAsync(DistributedApplication app, string engine, string resource) =>
        RunAsync(engine, "ps", "--quiet", "--filter", $"name={app.Snapshot(resource).Properties.Single(property => property.Name == "container.id").Value}");

    static async Task<string> RunAsync(string program, params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        var error = process.StandardError.ReadToEndAsync(Apps.Stop);
        var output = await process.StandardOutput.ReadToEndAsync(Apps.Stop);
        await process.WaitForExitAsync(Apps.Stop);
        await error;
        return output.Trim();
    }
}

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

    static readonly string Volume = $"aspirejobs-test-{Guid.NewGuid():N}";

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
            await RunAsync(engine, "volume", "rm", Volume);
        }

        async Task<DistributedApplication> StartAsync()
        {
            var builder = Create("--LocalAspire:TemporaryData=false");
            builder.AddPostgres("postgres", password: builder.AddParameter("secret", "sesame")).WithDataVolume(Volume).AddDatabase("jobsdb");
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
        var data = Directory.CreateTempSubdirectory("aspirejobs-test-");
        try
        {
            using var host = Process.Start(new ProcessStartInfo(Path.Combine(AppContext.BaseDirectory, "AppHost"))
            {
                RedirectStandardOutput = true,
                Environment =
                {
                    ["DOTNET_ENVIRONMENT"] = "Development", ["DcpPublisher__RandomizePorts"] = "true", ["LocalAspire__Containers"] = "true", ["LocalAspire__UserSecrets"] = "false",
                    ["LocalAspire__TemporaryData"] = "true", ["Aspire__Store__Path"] = data.FullName, ["Parameters__admin_api_key"] = "aj_key-of-the-container-test",
                },
            })!;
            var label = $"label=local-aspire.owner={Environment.MachineName}/{host.Id}/{new DateTimeOffset(host.StartTime).ToUnixTimeSeconds()}";
            while ((await RunAsync(engine, "ps", "--quiet", "--filter", label)).Split('\n').Length < 2)
                await Task.Delay(TimeSpan.FromMilliseconds(100), TimeProvider.System, Apps.Stop);

            host.Kill();

            while (await RunAsync(engine, "ps", "--all", "--quiet", "--filter", label) != "")
                await Task.Delay(TimeSpan.FromMilliseconds(100), TimeProvider.System, Apps.Stop);
        }
        finally
        {
            data.Delete(recursive: true);
        }
    }

    static IDistributedApplicationTestingBuilder Create(params string[] args)
    {
        var builder = DistributedApplicationTestingBuilder.Create(["--LocalAspire:Containers=true", .. args]);
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
        using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true })!;
        var output = await process.StandardOutput.ReadToEndAsync(Apps.Stop);
        await process.WaitForExitAsync(Apps.Stop);
        return output.Trim();
    }
}

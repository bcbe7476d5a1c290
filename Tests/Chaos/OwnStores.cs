using System.Diagnostics;
using System.Globalization;
using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Testing;
using AspireJobs.Jobs;
using AspireJobs.Jobs.ApiKeys;
using AspireJobs.Tests.Infrastructure;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Npgsql;
using StackExchange.Redis;

namespace AspireJobs.Tests.Chaos;

/// <summary>A Postgres and a Redis of one test, which may kill them. Postgres keeps its data over a restart, Redis does not.</summary>
sealed class OwnStores : IAsyncDisposable
{
    const UnixFileMode PassThrough = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute;

    readonly DirectoryInfo _data = Directory.CreateTempSubdirectory("aspirejobs-stores-");
    DistributedApplication _app = null!;

    static CancellationToken Stop => TestContext.Current.CancellationToken;

    public string Postgres { get; private set; } = "";

    public string Redis { get; private set; } = "";

    public static async Task<OwnStores> StartAsync()
    {
        var stores = new OwnStores();
        File.SetUnixFileMode(stores._data.FullName, PassThrough);
        // Without a place for the data a test starts with none each time.
        var builder = DistributedApplicationTestingBuilder.Create($"--Aspire:Store:Path={stores._data.FullName}");
        builder.Services.AddLogging(logging => logging.ClearProviders());
        builder.AddPostgres("postgres").WithDataBindMount(Path.Combine(stores._data.FullName, "postgres"));
        builder.AddRedis("redis");
        stores._app = await builder.BuildAsync();
        await stores._app.StartAsync();
        await stores.HealthyAsync("postgres");
        await stores.HealthyAsync("redis");
        await stores.PrepareAsync();
        return stores;
    }

    async Task PrepareAsync()
    {
        var server = await _app.GetConnectionStringAsync("postgres");
        await using (var db = NpgsqlDataSource.Create($"{server};Database=postgres;Pooling=false"))
        await using (var command = db.CreateCommand("create database chaos"))
            await command.ExecuteNonQueryAsync(Stop);
        Postgres = $"{server};Database=chaos;Maximum Pool Size=20";
        Redis = (await _app.GetConnectionStringAsync("redis"))!;
        await using var jobs = NpgsqlDataSource.Create(Postgres + ";Pooling=false");
        await SchemaMigrator.ApplyAsync(jobs, Stop);
        await new ApiKeyStore(jobs, TimeProvider.System).SetAsync(ApiKeyStore.Admin, Stores.AdminKey, Stop);
    }

    /// <summary>Runs a command of Redis.</summary>
    public async Task<string> RedisAsync(string command, params object[] arguments)
    {
        using var connection = await ConnectionMultiplexer.ConnectAsync(Redis + ",allowAdmin=true");
        return (await connection.GetDatabase().ExecuteAsync(command, arguments)).ToString()!;
    }

    /// <summary>SIGSTOP to the server of Redis, and SIGCONT when the result is disposed.</summary>
    public async Task<IAsyncDisposable> FreezeRedisAsync()
    {
        var id = await RedisIdAsync();
        await SignalAsync("STOP", id);
        return new Thaw(() => SignalAsync("CONT", id));
    }

    // Skips the test where signals do not reach the server, as in a container.
    async Task<int> RedisIdAsync()
    {
        const string Field = "process_id:";
        var line = (await RedisAsync("INFO", "server")).Split('\n').Single(line => line.StartsWith(Field, StringComparison.Ordinal));
        var id = int.Parse(line[Field.Length..], CultureInfo.InvariantCulture);
        Assert.SkipUnless(Processes.Describe(id).Contains("redis-server", StringComparison.Ordinal), "Redis is no process of this machine.");
        return id;
    }

    static async Task SignalAsync(string signal, int id)
    {
        using var kill = Process.Start("kill", [$"-{signal}", $"{id}"]);
        await kill.WaitForExitAsync();
    }

    /// <summary>SIGKILL to the server of Redis; returns when it has ended.</summary>
    public async Task KillRedisAsync()
    {
        await SignalAsync("KILL", await RedisIdAsync());
        await _app.ResourceNotifications.WaitForResourceAsync("redis", KnownResourceStates.TerminalStates, Stop);
    }

    /// <summary>Ends a server in good order.</summary>
    public Task StopAsync(string name) => CommandAsync(name, KnownResourceCommands.StopCommand);

    /// <summary>Starts a server that has ended.</summary>
    public async Task StartAsync(string name)
    {
        await CommandAsync(name, KnownResourceCommands.StartCommand);
        await HealthyAsync(name);
    }

    async Task CommandAsync(string name, string command)
    {
        var result = await _app.ResourceCommands.ExecuteCommandAsync(name, command, Stop);
        Assert.True(result.Success, $"{command} {name}: {result}");
    }

    async Task HealthyAsync(string name) => await _app.ResourceNotifications.WaitForResourceHealthyAsync(name, Stop);

    public async ValueTask DisposeAsync()
    {
        await _app.DisposeAsync();
        _data.Delete(recursive: true);
    }

    sealed class Thaw(Func<Task> thaw) : IAsyncDisposable
    {
        public async ValueTask DisposeAsync() => await thaw();
    }
}

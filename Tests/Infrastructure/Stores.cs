using Aspire.Hosting;
using Aspire.Hosting.Testing;
using AspireJobs.Jobs;
using AspireJobs.Jobs.ApiKeys;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Npgsql;

[assembly: System.Runtime.Versioning.SupportedOSPlatform("linux")]
[assembly: AssemblyFixture(typeof(AspireJobs.Tests.Infrastructure.Stores))]

namespace AspireJobs.Tests.Infrastructure;

/// <summary>One real Postgres and one real Redis for the whole run of tests; each system under test gets a database of its own in both.</summary>
public sealed class Stores : IAsyncLifetime
{
    public const string AdminKey = "aj_admin-key-of-the-tests";

    // Redis has 16 databases. Those of systems that have gone are used again.
    readonly Stack<int> _redisDatabases = new(Enumerable.Range(0, 16).Reverse());
    readonly Lazy<Task<JobSystem>> _shared;
    DistributedApplication? _app;
    string _postgres = "";
    string _redis = "";

    public Stores() => _shared = new(() => JobSystem.StartAsync(this));

    /// <summary>The system that tests share which do not harm it.</summary>
    public Task<JobSystem> SharedAsync() => _shared.Value;

    public async ValueTask InitializeAsync()
    {
        var builder = DistributedApplicationTestingBuilder.Create();
        builder.Services.AddLogging(logging => logging.ClearProviders());
        builder.AddPostgres("postgres");
        builder.AddRedis("redis");
        _app = await builder.BuildAsync();
        await _app.StartAsync();
        await _app.ResourceNotifications.WaitForResourceHealthyAsync("postgres");
        await _app.ResourceNotifications.WaitForResourceHealthyAsync("redis");
        _postgres = (await _app.GetConnectionStringAsync("postgres"))!;
        _redis = (await _app.GetConnectionStringAsync("redis"))!;
        await MakeTemplateAsync();
    }

    public async ValueTask DisposeAsync()
    {
        if (_shared.IsValueCreated)
            await (await _shared.Value).DisposeAsync();
        if (_app is not null)
            await _app.DisposeAsync();
    }

    /// <summary>Connection strings of a fresh, migrated database and an empty Redis.</summary>
    public async Task<StoreLease> LeaseAsync()
    {
        var database = $"test_{Guid.NewGuid():N}";
        await ExecuteAsync($"create database {database} template template_jobs");
        int redisDatabase;
        lock (_redisDatabases)
            redisDatabase = _redisDatabases.Pop();
        return new StoreLease($"{_postgres};Database={database};Maximum Pool Size=20", $"{_redis},defaultDatabase={redisDatabase}", async () =>
        {
            await ExecuteAsync($"drop database {database} with (force)");
            lock (_redisDatabases)
                _redisDatabases.Push(redisDatabase);
        });
    }

    async Task MakeTemplateAsync()
    {
        await ExecuteAsync("create database template_jobs");
        // No pooling: a template must have no open connection.
        await using var db = NpgsqlDataSource.Create($"{_postgres};Database=template_jobs;Pooling=false");
        await SchemaMigrator.ApplyAsync(db, CancellationToken.None);
        await new ApiKeyStore(db, TimeProvider.System).SetAsync(ApiKeyStore.Admin, AdminKey, CancellationToken.None);
    }

    async Task ExecuteAsync(string sql)
    {
        await using var connection = new NpgsqlConnection($"{_postgres};Database=postgres;Pooling=false");
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync();
    }
}

public sealed record StoreLease(string Postgres, string Redis, Func<Task> Return) : IAsyncDisposable
{
    public async ValueTask DisposeAsync() => await Return();
}

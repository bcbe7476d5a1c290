using AspireJobs.Jobs;
using AspireJobs.Tests.Infrastructure;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;

namespace AspireJobs.Tests.Jobs;

/// <summary>A database of its own for each test, and what works on it.</summary>
public abstract class JobDatabase(Stores stores) : IAsyncLifetime
{
    StoreLease _store = null!;

    protected NpgsqlDataSource Db { get; private set; } = null!;

    protected JobLeases Leases => new(Db, NullLogger<JobLeases>.Instance);

    protected JobUpkeep Upkeep => new(Db, NullLogger<JobUpkeep>.Instance);

    protected JobResults Results { get; private set; } = null!;

    protected JobStore Jobs => new(Db, NullLogger<JobStore>.Instance);

    protected string Postgres => _store.Postgres;

    protected static CancellationToken Stop => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        _store = await stores.LeaseAsync();
        Db = NpgsqlDataSource.Create(_store.Postgres);
        Results = new JobResults(Db);
    }

    public async ValueTask DisposeAsync()
    {
        await Results.DisposeAsync();
        await Db.DisposeAsync();
        await _store.DisposeAsync();
    }

    /// <summary>Another pool on the database, with the sessions that services have.</summary>
    protected NpgsqlDataSource Configured()
    {
        var builder = new NpgsqlDataSourceBuilder(Postgres);
        JobsDatabase.Configure(builder);
        return builder.Build();
    }

    /// <summary>A worker has led for long enough to take jobs for lost.</summary>
    protected Task LeadForLongAsync() => ExecuteAsync(
        """
        insert into leader (worker_id, expires_at, led_since) values ('leader', now() + interval '1 hour', now() - interval '6 seconds')
        on conflict (only_row) do update set expires_at = excluded.expires_at, led_since = excluded.led_since
        """);

    /// <summary>The database's own rules do not let it happen.</summary>
    protected async Task AssertRefusedAsync(string sql) =>
        Assert.Equal(PostgresErrorCodes.CheckViolation, (await Assert.ThrowsAsync<PostgresException>(() => ExecuteAsync(sql))).SqlState);

    protected async Task ExecuteAsync(string sql)
    {
        await using var command = Db.CreateCommand(sql);
        await command.ExecuteNonQueryAsync(Stop);
    }
}

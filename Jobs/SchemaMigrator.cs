using System.Data;
using Npgsql;

namespace AspireJobs.Jobs;

/// <summary>Brings a database to the current schema: each file of <c>Schema/</c> once, in order of its name, in its own transaction.</summary>
public static class SchemaMigrator
{
    // Any number that nothing else locks; two migrators at once take turns.
    const long LockKey = 0x6a6f6273;

    /// <summary>Applies what is missing and returns the names of the files applied.</summary>
    public static async Task<IReadOnlyList<string>> ApplyAsync(NpgsqlDataSource db, CancellationToken cancellationToken)
    {
        await using var connection = await db.OpenConnectionAsync(cancellationToken);
        await ExecuteAsync(connection, $"select pg_advisory_lock({LockKey})", cancellationToken);
        try
        {
            await ExecuteAsync(connection, "create table if not exists schema_migrations (name text primary key, applied_at timestamptz not null default now())", cancellationToken);
            var applied = await connection.Command("select name from schema_migrations").QueryAsync(row => row.GetString(0), cancellationToken);
            var missing = Resources.Names("Schema").Where(name => !applied.Contains(name)).ToList();
            foreach (var name in missing)
                await ApplyAsync(connection, name, cancellationToken);
            return missing;
        }
        finally
        {
            // Otherwise the lock has gone with it, and what broke it is to be told.
            if (connection.State == ConnectionState.Open)
                await ExecuteAsync(connection, $"select pg_advisory_unlock({LockKey})", CancellationToken.None);
        }
    }

    static async Task ApplyAsync(NpgsqlConnection connection, string name, CancellationToken cancellationToken)
    {
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        // Unlike what the services ask, a migration may be about all of a table.
        await ExecuteAsync(connection, "set local enable_seqscan = on; set local enable_sort = on", cancellationToken);
        await ExecuteAsync(connection, Resources.Text(name), cancellationToken);
        await connection.Command("insert into schema_migrations (name) values ($1)", name).ExecuteAsync(cancellationToken);
        await transaction.CommitAsync(cancellationToken);
    }

    static async Task ExecuteAsync(NpgsqlConnection connection, string sql, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(sql, connection) { CommandTimeout = 0 };
        await command.ExecuteNonQueryAsync(cancellationToken);
    }
}

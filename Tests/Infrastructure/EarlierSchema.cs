using AspireJobs.Jobs;
using Npgsql;

namespace AspireJobs.Tests.Infrastructure;

/// <summary>A database as an earlier version left it.</summary>
static class EarlierSchema
{
    /// <summary>Makes the database anew, up to the file of the schema before the given one.</summary>
    public static async Task MakeAsync(NpgsqlDataSource db, string next)
    {
        await ExecuteAsync("drop schema public cascade; create schema public; create table schema_migrations (name text primary key, applied_at timestamptz not null default now())");
        foreach (var name in Resources.Names("Schema").TakeWhile(name => name != next))
            await ExecuteAsync($"{Resources.Text(name)}; insert into schema_migrations values ('{name}')");

        async Task ExecuteAsync(string sql)
        {
            await using var command = db.CreateCommand(sql);
            await command.ExecuteNonQueryAsync(TestContext.Current.CancellationToken);
        }
    }
}

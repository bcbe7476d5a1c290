using Aspire.Hosting.ApplicationModel;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace LocalAspire;

static partial class PostgresDatabases
{
    const int ConnectSeconds = 5;
    // Every server has it from the start.
    const string MaintenanceDatabase = "postgres";

    public static async Task<string> ConnectionStringAsync(PostgresServerResource server, string? databaseName, CancellationToken cancellationToken) =>
        new NpgsqlConnectionStringBuilder(await server.ConnectionStringExpression.GetValueAsync(cancellationToken))
        {
            Database = databaseName ?? MaintenanceDatabase,
            Timeout = ConnectSeconds,
            // A health check must see the server as it is now, and must not hold a connection.
            Pooling = false,
        }.ConnectionString;

    public static async Task CreateMissingAsync(PostgresServerResource server, DistributedApplicationModel model, ILogger log, CancellationToken cancellationToken)
    {
        await using var connection = new NpgsqlConnection(await ConnectionStringAsync(server, null, cancellationToken));
        await connection.OpenAsync(cancellationToken);
        foreach (var database in model.Resources.OfType<PostgresDatabaseResource>().Where(d => d.Parent == server))
            await CreateAsync(connection, database, log, cancellationToken);
    }

    static async Task CreateAsync(NpgsqlConnection connection, PostgresDatabaseResource database, ILogger log, CancellationToken cancellationToken)
    {
        if (await ExistsAsync(connection, database.DatabaseName, cancellationToken))
            return;

        await using var command = connection.CreateCommand();
        command.CommandText = database.Annotations.OfType<CreationScriptAnnotation>().LastOrDefault()?.Script ?? CreateStatement(database.DatabaseName);
        try
        {
            await command.ExecuteNonQueryAsync(cancellationToken);
        }
        catch (PostgresException e) when (e.SqlState == PostgresErrorCodes.DuplicateDatabase)
        {
            // Created in between.
        }
        catch (PostgresException e)
        {
            // The health of the database tells those who wait for it.
            CreationFailed(log, database.DatabaseName, e.MessageText);
        }
    }

    // Asked first, because the server logs the statement that fails, and on every start after the first it would.
    static async Task<bool> ExistsAsync(NpgsqlConnection connection, string name, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand("SELECT 1 FROM pg_database WHERE datname = $1", connection);
        command.Parameters.Add(new() { Value = name });
        return await command.ExecuteScalarAsync(cancellationToken) is not null;
    }

    static string CreateStatement(string name) => $"CREATE DATABASE \"{name.Replace("\"", "\"\"", StringComparison.Ordinal)}\"";

    [LoggerMessage(1, LogLevel.Error, "Failed to create database '{Name}': {Reason}")]
    static partial void CreationFailed(ILogger logger, string name, string reason);
}

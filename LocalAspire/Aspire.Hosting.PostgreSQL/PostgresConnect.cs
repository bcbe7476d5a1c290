using Aspire.Hosting.ApplicationModel;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Npgsql;

namespace LocalAspire;

/// <summary>Healthy when a new connection can be opened.</summary>
sealed class PostgresConnect(PostgresServerResource server, string? databaseName, StartFailure failure) : IHealthCheck
{
    public async Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        try
        {
            await using var connection = new NpgsqlConnection(await PostgresDatabases.ConnectionStringAsync(server, databaseName, cancellationToken));
            await connection.OpenAsync(cancellationToken);
            return HealthCheckResult.Healthy();
        }
        catch (PostgresException e) when (e.SqlState == PostgresErrorCodes.InvalidPassword)
        {
            var place = server.DataDirectory is { } directory ? $"the directory '{directory}'"
                : server.TryGetLastAnnotation<ContainerMountAnnotation>(out var mount) ? $"the volume '{mount.Source}'" : "its container";
            failure.Report(
                $"the data of the resource '{server.Name}' in {place} was created with another password than the one in "
                + $"Parameters:{server.PasswordParameter.Name}. Set the old one again (dotnet user-secrets set), or remove {place}, which deletes the data.");
            return HealthCheckResult.Unhealthy(e.MessageText, e);
        }
        catch (NpgsqlException e)
        {
            return HealthCheckResult.Unhealthy(e.Message, e);
        }
    }
}

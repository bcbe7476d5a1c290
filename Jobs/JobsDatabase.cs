using Npgsql;

namespace AspireJobs.Jobs;

/// <summary>How the services talk to the job database.</summary>
public static class JobsDatabase
{
    /// <summary>To be given to <c>AddNpgsqlDataSource</c>.</summary>
    public static void Configure(NpgsqlDataSourceBuilder builder)
    {
        // In telemetry, instead of the connection string.
        builder.Name = "jobsdb";
        // Together they halve what Postgres spends on a submission: statements are few and are planned once, and nothing here
        // leaves state in a session that would have to be reset.
        var connection = builder.ConnectionStringBuilder;
        if (connection.MaxAutoPrepare == 0)
            connection.MaxAutoPrepare = 50;
        connection.NoResetOnClose = true;
        // Requests share round trips, so one that hangs is the concern of all. Migrations take their own time.
        connection.CommandTimeout = 10;
    }
}

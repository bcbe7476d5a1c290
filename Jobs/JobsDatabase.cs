using System.Diagnostics;
using System.Net.Sockets;
using Npgsql;

namespace AspireJobs.Jobs;

/// <summary>How the services talk to the job database.</summary>
public static class JobsDatabase
{
    // Planning a claim or an insert takes longer than doing it, and statements are written so that one plan fits every value.
    // A plan that is made while a table is small, as on a new system, may well walk all of it (seqscan) or sort it, and stays until Postgres
    // looks at the table again, a minute later or more: each claim would read every job of a burst. What is read of a table that grows has an
    // index; where a join could walk one from end to end, "= any(array(…))" says which rows.
    // Compiling a plan (jit) takes longer still, and Postgres does it anew each time a statement is run whose cost it thinks high.
    // A process that is stopped while it claims does not read the answer, and Postgres would wait for it with the claims of all others behind it;
    // one that is stopped within a transaction would keep its locks.
    const string Session =
        "-c plan_cache_mode=force_generic_plan -c enable_seqscan=off -c enable_sort=off -c jit=off " +
        "-c tcp_user_timeout=5000 -c idle_in_transaction_session_timeout=5000";

    // What a statement used lies free at the end of the session's heap when it has ended, and glibc gives 128 KiB or more of that back to the
    // kernel, which then clears them anew for the next one. Once a larger piece was freed, it keeps twice as much.
    const string KeepMemory = "select length(repeat(' ', 1000000))";

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
        // What the operator sets comes last, so it wins among the options.
        connection.Options = $"{Session} {connection.Options}".TrimEnd();
        // Requests share round trips, so one that hangs is the concern of all. Migrations take their own time.
        connection.CommandTimeout = 10;
        connection.Timeout = 5;
        // One that is held stays open for as long as nothing happens, through whatever forgets silent connections.
        connection.TcpKeepAliveTime = 60;
        builder.UsePhysicalConnectionInitializer(
            opened =>
            {
                using var command = opened.Command(KeepMemory);
                command.ExecuteNonQuery();
            },
            async opened =>
            {
                // Not a part of what asked for the connection.
                Activity.Current = null;
                await opened.Command(KeepMemory).ExecuteAsync(CancellationToken.None);
            });
    }

    /// <summary>
    /// Whether the fault is one of the database or of the way to it, not of what was sent, so that the same call may succeed later. Beside what Npgsql calls
    /// transient: the database takes no writes, as in a failover, knows the user not or no more, as while passwords change, or was told to end the statement.
    /// </summary>
    public static bool MayPass(Exception exception) => exception switch
    {
        PostgresException { IsTransient: false, SqlState: var state } => state is PostgresErrorCodes.ReadOnlySqlTransaction || state[..2] is "08" or "28" or "57",
        NpgsqlException { IsTransient: true } or TimeoutException or IOException or SocketException => true,
        _ => false,
    };

    /// <summary>
    /// Reads, and reads again where the connection was lost: a restart of Postgres leaves old connections in the pool, of which the first to fail
    /// takes the others out. Not for what writes, as that may have been done.
    /// </summary>
    public static async Task<T> ReadAsync<T>(Func<Task<T>> read)
    {
        try
        {
            return await read();
        }
        catch (NpgsqlException e) when (e.InnerException is IOException || e.SqlState is PostgresErrorCodes.AdminShutdown or PostgresErrorCodes.CrashShutdown)
        {
            return await read();
        }
    }
}

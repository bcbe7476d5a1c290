using Npgsql;

namespace AspireJobs.Jobs;

/// <summary>
/// One connection for calls of which each begins when the one before has ended. The pool would hand out the one that was idle for longest, so its
/// sessions would take turns and none would find its caches warm: a fifth of what Postgres spends on a lone submission.
/// </summary>
sealed class HeldConnection(NpgsqlDataSource db, TimeProvider time) : IAsyncDisposable
{
    // Then it goes back into the pool, which knows what outlived a restart of Postgres.
    static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(1);

    NpgsqlConnection? _connection;
    long _usedAt;

    /// <summary>After a failure the next call opens another one.</summary>
    public async Task<T> UseAsync<T>(Func<NpgsqlConnection, Task<T>> use)
    {
        if (time.GetElapsedTime(_usedAt) > LongestPause)
            await DisposeAsync();
        _connection ??= await db.OpenConnectionAsync();
        try
        {
            return await use(_connection);
        }
        catch
        {
            await DisposeAsync();
            throw;
        }
        finally
        {
            _usedAt = time.GetTimestamp();
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _connection, null) is { } connection)
            await connection.DisposeAsync();
    }
}

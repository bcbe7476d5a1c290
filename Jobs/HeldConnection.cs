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

    NpgsqlConnection? _kept;
    long _usedAt;

    /// <summary>Calls that overlap have connections of their own, of which one is kept; after a failure the next call opens another one.</summary>
    public async Task<T> UseAsync<T>(Func<NpgsqlConnection, Task<T>> use, CancellationToken cancellationToken = default)
    {
        if (time.GetElapsedTime(_usedAt) > LongestPause)
            await DisposeAsync();
        var connection = Interlocked.Exchange(ref _kept, null) ?? await db.OpenConnectionAsync(cancellationToken);
        try
        {
            var result = await use(connection);
            _usedAt = time.GetTimestamp();
            connection = Interlocked.Exchange(ref _kept, connection);
            return result;
        }
        finally
        {
            if (connection is not null)
                await connection.DisposeAsync();
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _kept, null) is { } connection)
            await connection.DisposeAsync();
    }
}

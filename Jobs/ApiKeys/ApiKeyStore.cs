using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;
using Npgsql;

namespace AspireJobs.Jobs.ApiKeys;

/// <summary>A caller, known by the name of its key.</summary>
/// <param name="Id">Its id.</param>
/// <param name="Name">Its name.</param>
/// <param name="CreatedAt">When the key was made.</param>
/// <param name="MaxRunning">How many of its jobs may run at once; null for no limit.</param>
public sealed record ApiKey(Guid Id, string Name, DateTimeOffset CreatedAt, int? MaxRunning);

/// <summary>API keys by name. Only the SHA-256 of a key is stored; keys are random, so nothing slower is needed.</summary>
public sealed class ApiKeyStore(NpgsqlDataSource db, TimeProvider time)
{
    /// <summary>How long a key that was found counts as found.</summary>
    static readonly TimeSpan Memory = TimeSpan.FromSeconds(1);

    /// <summary>Name of the key that the operator sets at deployment. Only its holder manages the others.</summary>
    public const string Admin = "admin";

    /// <summary>A new random key: <c>aj_</c> and 256 bits.</summary>
    public static string Generate() => "aj_" + Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(32));

    // By hash. No more of them than there are keys.
    readonly ConcurrentDictionary<string, (ApiKey Owner, long FoundAt)> _found = new();
    readonly Batcher<byte[], ApiKey?> _finds = new(hashes => FindAsync(db, hashes), largest: 200);

    /// <summary>
    /// The key's owner, or null. It is remembered for a second, so that is how long a key that another process deleted may go on working. Requests
    /// that arrive together share the question.
    /// </summary>
    public async ValueTask<ApiKey?> FindAsync(string key, CancellationToken cancellationToken)
    {
        var hash = Hash(key);
        var hex = Convert.ToHexString(hash);
        if (_found.TryGetValue(hex, out var known) && time.GetElapsedTime(known.FoundAt) < Memory)
            return known.Owner;
        var askedAt = time.GetTimestamp();
        if (await _finds.RunAsync(hash).WaitAsync(cancellationToken) is { } owner)
        {
            _found[hex] = (owner, askedAt);
            return owner;
        }
        _found.TryRemove(hex, out _);
        return null;
    }

    static async Task<IReadOnlyList<ApiKey?>> FindAsync(NpgsqlDataSource db, IReadOnlyList<byte[]> hashes)
    {
        var distinct = hashes.DistinctBy(Convert.ToHexString).ToArray();
        var rows = await JobsDatabase.ReadAsync(() => db.Command($"select {Columns}, key_hash from api_keys where key_hash = any($1)", (object)distinct)
            .QueryAsync(row => (Hash: Convert.ToHexString(row.GetFieldValue<byte[]>(4)), Owner: Read(row)), CancellationToken.None));
        var owners = rows.ToDictionary(row => row.Hash, row => row.Owner);
        return [.. hashes.Select(hash => owners.GetValueOrDefault(Convert.ToHexString(hash)))];
    }

    /// <summary>All keys by name.</summary>
    public Task<List<ApiKey>> ListAsync(CancellationToken cancellationToken) =>
        db.Command($"select {Columns} from api_keys order by name").QueryAsync(Read, cancellationToken);

    /// <summary>Stores a key; null if the name is taken.</summary>
    public async Task<ApiKey?> CreateAsync(string name, string key, int? maxRunning, CancellationToken cancellationToken) =>
        (await db.Command(
            $"insert into api_keys (id, name, key_hash, max_running) values ($1, $2, $3, $4::int) on conflict (name) do nothing returning {Columns}",
            Guid.NewGuid(), name, Hash(key), maxRunning).QueryAsync(Read, cancellationToken)).SingleOrDefault();

    /// <summary>Sets how many jobs of a key may run at once, null for no limit; null if there is no such key. What runs already goes on.</summary>
    public async Task<ApiKey?> LimitAsync(string name, int? maxRunning, CancellationToken cancellationToken) =>
        (await JobLeases.BetweenClaimsAsync(db, Sql.BatchCommand($"update api_keys set max_running = $2::int where name = $1 returning {Columns}", name, maxRunning),
            Read, cancellationToken)).SingleOrDefault();

    /// <summary>Makes a key the one of that name, whatever it was before.</summary>
    public Task SetAsync(string name, string key, CancellationToken cancellationToken) =>
        db.Command(
            "insert into api_keys (id, name, key_hash) values ($1, $2, $3) on conflict (name) do update set key_hash = excluded.key_hash",
            Guid.NewGuid(), name, Hash(key)).ExecuteAsync(cancellationToken);

    /// <summary>Removes a key; false if there was none. It stops working within a second.</summary>
    public async Task<bool> DeleteAsync(string name, CancellationToken cancellationToken)
    {
        var deleted = await db.Command("delete from api_keys where name = $1", name).ExecuteAsync(cancellationToken) == 1;
        _found.Clear();
        return deleted;
    }

    const string Columns = "id, name, created_at, max_running";

    static ApiKey Read(NpgsqlDataReader row) => new(row.GetGuid(0), row.GetString(1), row.GetFieldValue<DateTimeOffset>(2), row.Nullable<int>(3));

    static byte[] Hash(string key) => SHA256.HashData(Encoding.UTF8.GetBytes(key));
}

using System.Text.Json;
using Npgsql;

namespace AspireJobs.Jobs.Credentials;

/// <summary>Named credentials. Values are sealed before they leave the process and are opened only to be used.</summary>
public sealed class CredentialStore(NpgsqlDataSource db, MasterKey masterKey)
{
    readonly byte[] _key = masterKey.Derive("credentials");

    /// <summary>Stores a credential; null if the name is taken.</summary>
    public async Task<CredentialInfo?> CreateAsync(Credential credential, CancellationToken cancellationToken)
    {
        var plain = JsonSerializer.SerializeToUtf8Bytes(credential.Values, JobsJson.Default.IReadOnlyDictionaryStringString);
        return (await db.Command(
            $"insert into credentials (name, type, fields, sealed) values ($1, $2, $3, $4) on conflict (name) do nothing returning {Columns}",
            credential.Name, credential.Type.Word(), credential.Values.Keys.Order().ToArray(), SealedBox.Seal(_key, credential.Name, plain))
            .QueryAsync(Read, cancellationToken)).SingleOrDefault();
    }

    /// <summary>All credentials by name, without values.</summary>
    public Task<List<CredentialInfo>> ListAsync(CancellationToken cancellationToken) =>
        db.Command($"select {Columns} from credentials order by name").QueryAsync(Read, cancellationToken);

    /// <summary>The types of those of the given credentials that exist.</summary>
    public async Task<Dictionary<string, CredentialType>> TypesAsync(IReadOnlyCollection<string> names, CancellationToken cancellationToken) =>
        (await db.Command("select name, type from credentials where name = any($1)", (object)names.ToArray())
            .QueryAsync(row => (Name: row.GetString(0), Type: SnakeCase.Value<CredentialType>(row.GetString(1))), cancellationToken))
            .ToDictionary(row => row.Name, row => row.Type);

    /// <summary>Opens those of the given credentials that exist.</summary>
    /// <exception cref="System.Security.Cryptography.CryptographicException">One was sealed under another master key.</exception>
    public Task<List<Credential>> OpenAsync(IReadOnlyCollection<string> names, CancellationToken cancellationToken) =>
        db.Command("select name, type, sealed from credentials where name = any($1)", (object)names.ToArray()).QueryAsync(row =>
        {
            var name = row.GetString(0);
            var plain = SealedBox.Open(_key, name, row.GetFieldValue<byte[]>(2));
            return new Credential(name, SnakeCase.Value<CredentialType>(row.GetString(1)), JsonSerializer.Deserialize(plain, JobsJson.Default.IReadOnlyDictionaryStringString)!);
        }, cancellationToken);

    /// <summary>Removes a credential; false if there was none.</summary>
    public async Task<bool> DeleteAsync(string name, CancellationToken cancellationToken) =>
        await db.Command("delete from credentials where name = $1", name).ExecuteAsync(cancellationToken) == 1;

    const string Columns = "name, type, fields, created_at";

    static CredentialInfo Read(NpgsqlDataReader row) =>
        new(row.GetString(0), SnakeCase.Value<CredentialType>(row.GetString(1)), row.GetFieldValue<string[]>(2), row.GetFieldValue<DateTimeOffset>(3));
}

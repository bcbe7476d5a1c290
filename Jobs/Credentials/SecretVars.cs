using System.Security.Cryptography;
using System.Text.Json;
using Npgsql;

namespace AspireJobs.Jobs.Credentials;

/// <summary>The secret variables of single jobs: sealed in the job's row under its id, masked wherever its request is shown.</summary>
public sealed class SecretVars(NpgsqlDataSource db, MasterKey masterKey)
{
    /// <summary>What stands in the place of a value.</summary>
    public const string Mask = "***";

    readonly byte[] _key = masterKey.Derive("secret-vars");

    /// <summary>The values of a request, to be stored with the job; null if it has none.</summary>
    public byte[]? Seal(JobId job, JobRequest request) => request.SecretVars is { } values
        ? SealedBox.Seal(_key, job.ToString(), JsonSerializer.SerializeToUtf8Bytes(values, JobsJson.Default.IReadOnlyDictionaryStringString))
        : null;

    /// <summary>The request as it is stored and shown.</summary>
    public static JobRequest Masked(JobRequest request) => request.SecretVars is { } values
        ? request with { SecretVars = values.ToDictionary(variable => variable.Key, _ => Mask) }
        : request;

    /// <summary>The variables of a job in the form of a credential; null if it has none.</summary>
    /// <exception cref="CryptographicException">They were sealed under another master key.</exception>
    public async Task<Credential?> OpenAsync(JobId job, CancellationToken cancellationToken)
    {
        var box = (await db.Command("select sealed from jobs where id = $1 and sealed is not null", job.Value)
            .QueryAsync(row => row.GetFieldValue<byte[]>(0), cancellationToken)).SingleOrDefault();
        return box is null ? null : new Credential("secret_vars", CredentialType.Variables,
            JsonSerializer.Deserialize(SealedBox.Open(_key, job.ToString(), box), JobsJson.Default.IReadOnlyDictionaryStringString)!);
    }
}

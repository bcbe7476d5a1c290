using System.Security.Cryptography;
using System.Text.Json;
using Npgsql;

namespace AspireJobs.Jobs.Credentials;

/// <summary>The secret variables of jobs and schedules: sealed in the row under the id or name, masked wherever the request is shown.</summary>
public sealed class SecretVars(NpgsqlDataSource db, MasterKey masterKey)
{
    /// <summary>What stands in the place of a value.</summary>
    public const string Mask = "***";

    readonly byte[] _key = masterKey.Derive("secret-vars");

    /// <summary>The values of a request, to be stored with the job; null if it has none.</summary>
    public byte[]? Seal(JobId job, JobRequest request) => Seal(job.ToString(), request);

    /// <summary>The values of a schedule's request, to be stored with the schedule; null if it has none.</summary>
    public byte[]? SealSchedule(string name, JobRequest request) => Seal(ScheduleName(name), request);

    byte[]? Seal(string name, JobRequest request) => request.SecretVars is { } values
        ? SealedBox.Seal(_key, name, JsonSerializer.SerializeToUtf8Bytes(values, JobsJson.Default.IReadOnlyDictionaryStringString))
        : null;

    // No job is called so.
    static string ScheduleName(string schedule) => $"schedule/{schedule}";

    /// <summary>The values of a schedule, to be stored with a job of it.</summary>
    public byte[] Reseal(string schedule, byte[] box, JobId job)
    {
        try
        {
            return SealedBox.Seal(_key, job.ToString(), SealedBox.Open(_key, ScheduleName(schedule), box));
        }
        catch (CryptographicException)
        {
            // The job's worker cannot open it either and fails the job as credential_error, which its owner sees.
            return box;
        }
    }

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

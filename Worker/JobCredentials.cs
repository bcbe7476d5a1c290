using System.Security.Cryptography;
using AspireJobs.Jobs;
using AspireJobs.Jobs.Credentials;

namespace AspireJobs.Worker;

/// <summary>Opens the credentials that a job names and its secret variables, and records that it did.</summary>
internal sealed class JobCredentials(CredentialStore store, SecretVars secretVars, WorkerId worker, TimeProvider time, ILogger<JobCredentials> logger)
{
    /// <summary>What the playbook gets: the credentials that the request names, and after them, so that they win, the job's own secret variables.</summary>
    /// <exception cref="JobFailedException">One does not exist or cannot be opened.</exception>
    public async Task<IReadOnlyList<Credential>> OpenForPlaybookAsync(Job job, CancellationToken cancellationToken)
    {
        var named = await OpenAsync(job.Id, job.Request.Credentials, cancellationToken);
        return job.Request.SecretVars is null ? named : [.. named, await OpenSecretVarsAsync(job.Id, cancellationToken)];
    }

    async Task<Credential> OpenSecretVarsAsync(JobId job, CancellationToken cancellationToken) =>
        await ReadAsync("the secret variables of the job", () => secretVars.OpenAsync(job, cancellationToken), cancellationToken)
        ?? throw new JobFailedException(JobOutcome.CredentialError, "the secret variables of the job are gone");

    /// <summary>The credentials, in the order of their names.</summary>
    /// <exception cref="JobFailedException">One does not exist or cannot be opened.</exception>
    public async Task<IReadOnlyList<Credential>> OpenAsync(JobId job, IReadOnlyList<string> names, CancellationToken cancellationToken)
    {
        if (names.Count == 0)
            return [];
        var opened = (await ReadAsync($"one of the credentials {string.Join(", ", names)}", () => store.OpenAsync(names, cancellationToken), cancellationToken))
            .ToDictionary(credential => credential.Name);
        // First what was read: also where another is missing.
        foreach (var name in names.Where(opened.ContainsKey))
            logger.CredentialAccessed(name, job, worker.Value);
        if (names.FirstOrDefault(name => !opened.ContainsKey(name)) is { } missing)
            throw new JobFailedException(JobOutcome.CredentialError, $"credential '{missing}' does not exist");
        return [.. names.Distinct().Select(name => opened[name])];
    }

    async Task<T> ReadAsync<T>(string what, Func<Task<T>> open, CancellationToken cancellationToken)
    {
        try
        {
            return await new Outage("reading credentials", time, logger).UntilAnsweredAsync(open, cancellationToken);
        }
        catch (CryptographicException)
        {
            throw new JobFailedException(JobOutcome.CredentialError, $"{what} cannot be opened: sealed under another master key");
        }
    }
}

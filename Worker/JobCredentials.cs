using System.Security.Cryptography;
using AspireJobs.Jobs;
using AspireJobs.Jobs.Credentials;

namespace AspireJobs.Worker;

/// <summary>Opens the credentials that a job names, and records that it did.</summary>
internal sealed class JobCredentials(CredentialStore store, WorkerId worker, TimeProvider time, ILogger<JobCredentials> logger)
{
    /// <summary>The credentials, in the order of their names.</summary>
    /// <exception cref="JobFailedException">One does not exist or cannot be opened.</exception>
    public async Task<IReadOnlyList<Credential>> OpenAsync(JobId job, IReadOnlyList<string> names, CancellationToken cancellationToken)
    {
        if (names.Count == 0)
            return [];
        var opened = (await ReadAsync(names, cancellationToken)).ToDictionary(credential => credential.Name);
        foreach (var name in names)
        {
            if (!opened.ContainsKey(name))
                throw new JobFailedException(JobOutcome.CredentialError, $"credential '{name}' does not exist");
            logger.CredentialAccessed(name, job, worker.Value);
        }
        return [.. names.Distinct().Select(name => opened[name])];
    }

    async Task<List<Credential>> ReadAsync(IReadOnlyList<string> names, CancellationToken cancellationToken)
    {
        try
        {
            return await new Outage("reading credentials", time, logger)
                .UntilAnsweredAsync(() => store.OpenAsync(names, cancellationToken), cancellationToken);
        }
        catch (CryptographicException)
        {
            throw new JobFailedException(JobOutcome.CredentialError,
                $"one of the credentials {string.Join(", ", names)} cannot be opened: it was sealed under another master key");
        }
    }
}

using System.Security.Cryptography;
using AspireJobs.Api.Http;
using AspireJobs.Jobs;
using AspireJobs.Jobs.Credentials;
using Microsoft.AspNetCore.Http.HttpResults;

namespace AspireJobs.Api.Jobs;

/// <summary>Makes of a job that has ended the request for another one.</summary>
sealed class JobReruns(SecretVars secretVars, JobStore jobs)
{
    /// <summary>The request, or why there is none.</summary>
    public async Task<(JobRequest? Request, ProblemHttpResult? Problem)> PrepareAsync(Job job, JobRerun rerun, CancellationToken cancellationToken)
    {
        if (!job.IsFinal)
            return (null, Problems.Conflict("job-not-final", $"The job is {job.Status.Word()}; it can be rerun when it has ended."));
        // The times were those of the first run.
        var request = job.Request with { NotBefore = null, ExpiresAt = null, StartAtTask = rerun.FromTask is { } task ? AnsiblePattern.Literal(task) : job.Request.StartAtTask };
        if (rerun.Hosts == RerunHosts.Failed)
        {
            // A job that ended between two attempts has the recap of the one before.
            if ((job.Hosts ?? (await jobs.AttemptsAsync(job.Id, cancellationToken)).LastOrDefault()?.Hosts) is not { } hosts)
                return (null, Problems.Conflict("no-recap", "The job has no recap, so nobody knows which hosts failed: it ended before Ansible's final report."));
            string[] failed = [.. hosts.Where(host => host.Value.Failed > 0 || host.Value.Unreachable > 0).Select(host => host.Key).Order(StringComparer.Ordinal)];
            if (failed.Length == 0)
                return (null, Problems.Conflict("no-failed-hosts", "No host of the job failed or was unreachable."));
            if (failed.FirstOrDefault(host => host.Contains(SecretVars.Mask)) is { } masked)
                return (null, Problems.Conflict("masked-host", $"A secret in the name of a failed host is masked in the recap ('{masked}'), so nobody knows which host it is; submit the job anew with a limit."));
            request = request with { Limit = null, LimitHosts = failed };
        }
        if (rerun.SameRevision && Pin(job, request) is var (source, problem))
        {
            if (source is null)
                return (null, problem);
            request = request with { Source = source };
        }
        return await WithSecretsAsync(job.Id, request, cancellationToken);
    }

    static (JobSource? Source, ProblemHttpResult? Problem) Pin(Job job, JobRequest request) => request.Source switch
    {
        { Type: SourceType.Git } source when job.Revision is { } commit => (source with { Ref = commit }, null),
        { Type: SourceType.Git } => (null, Problems.Conflict("no-revision", "The job ended before its commit was known, so there is none to run again.")),
        { Type: SourceType.Local } source when job.Provenance?.SourceDigest is { } digest => (source with { Digest = digest }, null),
        { Type: SourceType.Local } => (null, Problems.Conflict("no-revision", "The job ended before the digest of its source was known, so nothing says what to run again.")),
        // The text is in the request.
        var source => (source, null),
    };

    async Task<(JobRequest?, ProblemHttpResult?)> WithSecretsAsync(JobId job, JobRequest request, CancellationToken cancellationToken)
    {
        if (request.SecretVars is null)
            return (request, null);
        try
        {
            return await secretVars.OpenAsync(job, cancellationToken) is { } secrets
                ? (request with { SecretVars = secrets.Values }, null)
                : (null, Problems.NotFound("job", job.ToString()));
        }
        catch (CryptographicException)
        {
            return (null, Problems.Conflict("secrets-sealed", "The secret variables of the job were sealed under another master key; submit the job anew with their values."));
        }
    }
}

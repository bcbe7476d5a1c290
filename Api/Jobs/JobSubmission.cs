using System.Diagnostics;
using AspireJobs.Api.Http;
using AspireJobs.Jobs;
using AspireJobs.Jobs.Credentials;
using StackExchange.Redis;

namespace AspireJobs.Api.Jobs;

/// <summary>From a request to a job that waits for a worker.</summary>
sealed class JobSubmission(JobStore jobs, JobQueue queue, CredentialStore credentials, SecretVars secretVars, TimeProvider time, ILogger<JobSubmission> log)
{
    public async Task<Errors> ValidateAsync(JobRequest request, CancellationToken cancellationToken)
    {
        var errors = JobRequestRules.Check(request);
        if (errors.Any)
            return errors;
        string[] named = request.Source!.Credential is { } source ? [source, .. request.Credentials] : [.. request.Credentials];
        if (named.Length > 0)
            JobRequestRules.CheckCredentials(request, await credentials.TypesAsync(named, cancellationToken), errors);
        return errors;
    }

    public async Task<Job> SubmitAsync(JobRequest request, Guid apiKeyId, string apiKeyName, CancellationToken cancellationToken)
    {
        using var span = JobsTelemetry.Source.StartActivity("api.submit_job");
        var id = JobId.Create(time);
        var source = request.Source!.Type!.Value;
        span?.SetTag("job.id", id.ToString()).SetTag("source.type", source.Word());

        var job = await StoreAsync(new NewJob(
            id, SecretVars.Masked(request), secretVars.Seal(id, request), apiKeyId, apiKeyName, Activity.Current?.Id, Activity.Current?.TraceStateString), cancellationToken);
        JobsTelemetry.JobSubmitted(source);
        log.JobSubmitted(id, source.Word(), apiKeyName);
        await EnqueueAsync(id);
        return job;
    }

    async Task<Job> StoreAsync(NewJob job, CancellationToken cancellationToken)
    {
        using var span = JobsTelemetry.Source.StartActivity("db.create_job");
        return await jobs.CreateAsync(job);
    }

    async Task EnqueueAsync(JobId id)
    {
        try
        {
            await queue.EnqueueAsync(id);
        }
        catch (Exception e) when (e is RedisException or TimeoutException)
        {
            // The job is stored, so it is accepted; the workers' reconciler puts it into the queue when Redis is back.
            log.EnqueueFailed(e, id);
        }
    }
}

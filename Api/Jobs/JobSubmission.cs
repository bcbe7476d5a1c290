using System.Diagnostics;
using System.Security.Claims;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using AspireJobs.Api.Http;
using AspireJobs.Jobs;
using AspireJobs.Jobs.Credentials;

namespace AspireJobs.Api.Jobs;

/// <summary>From a request to a job that waits for a worker.</summary>
sealed class JobSubmission(JobIntake intake, QueueStore queues, CredentialStore credentials, SecretVars secretVars, MasterKey masterKey, TimeProvider time, ILogger<JobSubmission> log)
{
    readonly byte[] _digestKey = masterKey.Derive("idempotency");

    public async Task<Errors> ValidateAsync(JobRequest request, CancellationToken cancellationToken)
    {
        var errors = JobRequestRules.Check(request);
        if (errors.Any)
            return errors;
        errors.Require(request.ExpiresAt is null || request.ExpiresAt > time.GetUtcNow(), "expires_at", "must be in the future");
        if (request.Queue != QueueStore.Default && !await queues.ExistsAsync(request.Queue, cancellationToken))
            errors.AddFault("queue", $"names a queue that does not exist: '{request.Queue}'");
        string[] named = request.Source!.Credential is { } source ? [source, .. request.Credentials] : [.. request.Credentials];
        if (named.Length > 0)
            JobRequestRules.CheckCredentials(request, await credentials.TypesAsync(named, cancellationToken), errors);
        return errors;
    }

    /// <summary>Stores a job and puts it into its queue; a submission that was seen before, by its idempotency key, gives the job that it made then.</summary>
    public async Task<Intake> SubmitAsync(JobRequest request, ClaimsPrincipal caller, Idempotency? idempotency = null, Job? rerunOf = null)
    {
        // What is run again has its own trace, which leads to the former one.
        var former = rerunOf?.Trace ?? default;
        using var span = JobsTelemetry.Source.StartActivity("api.submit_job", ActivityKind.Internal, default(ActivityContext), links: former == default ? [] : [new ActivityLink(former)]);
        var id = JobId.Create(time);
        var source = request.Source!.Type!.Value;
        span?.SetTag("job.id", id.ToString()).SetTag("source.type", source.Word());

        var stored = await StoreAsync(new NewJob(id, SecretVars.Masked(request), caller.ApiKeyId(), caller.ApiKeyName(), Activity.Current?.Id, Activity.Current?.TraceStateString)
        {
            Sealed = secretVars.Seal(id, request),
            Idempotency = idempotency,
            RerunOf = rerunOf?.Id,
        });
        if (stored.Replayed)
            return stored;
        JobsTelemetry.JobSubmitted(source);
        log.JobSubmitted(id, source.Word(), caller.ApiKeyName());
        return stored;
    }

    /// <summary>The job that was made before under the same key; null without a key.</summary>
    public async Task<Intake?> ReplayAsync(ClaimsPrincipal caller, Idempotency? idempotency, CancellationToken cancellationToken) =>
        idempotency is null ? null : await intake.ReplayAsync(caller.ApiKeyId(), idempotency, cancellationToken);

    /// <summary>Of a submission under a key.</summary>
    public Idempotency Idempotency(string key, JobRequest request) => Idempotency(key, JsonSerializer.Serialize(request, JobsJson.Default.JobRequest));

    /// <summary>Of a rerun under a key: by what was sent, not by the job that is repeated, which may be gone when it is sent again.</summary>
    public Idempotency Idempotency(string key, JobId original, JobRerun rerun) => Idempotency(key, original + JsonSerializer.Serialize(rerun, JobsJson.Default.JobRerun));

    // Keyed, as what is asked for may hold secrets and nobody is to try values against what is stored of it.
    Idempotency Idempotency(string key, string asked) => new(key, HMACSHA256.HashData(_digestKey, Encoding.UTF8.GetBytes(asked)));

    async Task<Intake> StoreAsync(NewJob job)
    {
        using var span = JobsTelemetry.Source.StartActivity("db.create_job")?.SetTag("job.id", job.Id.ToString());
        try
        {
            return await intake.StoreAsync(job);
        }
        catch (Exception e)
        {
            span.Fail(e);
            // What cannot be stored is not submitted either.
            span?.Parent.Fail(e);
            throw;
        }
    }
}

using System.Text;
using AspireJobs.Api.Http;
using AspireJobs.Jobs;
using AspireJobs.Jobs.Webhooks;
using Microsoft.AspNetCore.Http.HttpResults;

namespace AspireJobs.Api.Jobs;

static class JobsApi
{
    const string IdempotencyHeader = "Idempotency-Key";

    public static void MapJobs(this IEndpointRouteBuilder api)
    {
        api.MapPost("/jobs", SubmitAsync);
        api.MapGet("/jobs", ListAsync);
        api.MapGet("/jobs/{id}", GetAsync);
        api.MapPost("/jobs/{id}/cancel", CancelAsync);
        api.MapPost("/jobs/{id}/rerun", RerunAsync);
        api.MapGet("/jobs/{id}/attempts", GetAttemptsAsync);
        api.MapGet("/jobs/{id}/logs", GetLogAsync);
        api.MapGet("/jobs/{id}/events", GetEventsAsync);
        api.MapGet("/jobs/{id}/deliveries", GetDeliveriesAsync);
    }

    static async Task<Results<Accepted<Job>, ProblemHttpResult>> SubmitAsync(
        Body<JobRequest> body, HttpContext context, JobSubmission submission, CancellationToken cancellationToken)
    {
        var errors = await submission.ValidateAsync(body.Value, cancellationToken);
        var key = IdempotencyKey(context.Request, errors);
        var idempotency = key is null ? null : submission.Idempotency(key, body.Value);
        if (errors.Any)
            // What was accepted stays accepted, also when it would be refused by now.
            return await submission.ReplayAsync(context.User, idempotency, cancellationToken) is { SameRequest: true } accepted ? Answer(accepted, context) : Problems.Invalid(errors.ByField);
        return Answer(await submission.SubmitAsync(body.Value, context.User, idempotency), context);
    }

    static async Task<Results<Accepted<Job>, ProblemHttpResult>> RerunAsync(
        string id, Body<JobRerun>? body, HttpContext context, JobStore jobs, JobReruns reruns, JobSubmission submission, CancellationToken cancellationToken)
    {
        if (!JobId.TryParse(id, out var original))
            return UnknownJob(id);
        var errors = new Errors();
        var key = IdempotencyKey(context.Request, errors);
        var rerun = body?.Value ?? new();
        JobRequestRules.CheckTaskName("from_task", rerun.FromTask, errors);
        if (errors.Any)
            return Problems.Invalid(errors.ByField);
        // Asked first, for the same reason: the job to be repeated, or what it needs, may have been removed since.
        var idempotency = key is null ? null : submission.Idempotency(key, original, rerun);
        if (await submission.ReplayAsync(context.User, idempotency, cancellationToken) is { } earlier)
            return Answer(earlier, context);
        if (await jobs.FindAsync(original, cancellationToken) is not { } job)
            return UnknownJob(id);
        var (request, problem) = await reruns.PrepareAsync(job, rerun, cancellationToken);
        if (request is null)
            return problem!;
        errors = await submission.ValidateAsync(request, cancellationToken);
        if (errors.Any)
            return NotRepeatable(errors);
        return Answer(await submission.SubmitAsync(request, context.User, idempotency, job), context);
    }

    // The fields are those of the job that is to be repeated: the caller has sent none of them.
    static ProblemHttpResult NotRepeatable(Errors errors) =>
        Problems.Conflict("not-repeatable", $"What the job asked for cannot be asked for any more: {string.Join("; ", errors.ByField.SelectMany(field => field.Value, (field, fault) => $"{field.Key} {fault}"))}.");

    static Results<Accepted<Job>, ProblemHttpResult> Answer(Intake intake, HttpContext context)
    {
        if (!intake.SameRequest)
            return Problems.Create(StatusCodes.Status422UnprocessableEntity, "idempotency-key-reused", $"The {IdempotencyHeader} belongs to {intake.Job.Id}, which was asked for by another request; nothing was changed.");
        if (intake.Replayed)
            context.Response.Headers["Idempotency-Replayed"] = "true";
        return TypedResults.Accepted($"/api/v1/jobs/{intake.Job.Id}", intake.Job);
    }

    static string? IdempotencyKey(HttpRequest request, Errors errors)
    {
        if (!request.Headers.TryGetValue(IdempotencyHeader, out var values))
            return null;
        errors.Require(values is [{ Length: >= 1 and <= 255 } key] && key.All(character => character is > ' ' and <= '~'), IdempotencyHeader, "must be 1 to 255 visible ASCII characters");
        return values[0];
    }

    static async Task<Results<Ok<Page<Job>>, ProblemHttpResult>> ListAsync(
        string? status, string? before, string? limit, JobStore jobs, CancellationToken cancellationToken)
    {
        var errors = new Errors();
        var known = default(JobStatus);
        errors.Require(status is null || SnakeCase.TryValue(status, out known), "status", $"must be one of: {string.Join(", ", SnakeCase.All<JobStatus>())}");
        var from = default(JobId);
        errors.Require(before is null || JobId.TryParse(before, out from), "before", "must be a job id");
        var size = PageSize(limit, Limits.LargestJobPage, errors);
        if (errors.Any)
            return Problems.Invalid(errors.ByField);
        var page = await jobs.ListAsync(new JobFilter(status is null ? null : known, before is null ? null : from, size), cancellationToken);
        return TypedResults.Ok(new Page<Job>(page.Jobs, page.Last?.ToString()));
    }

    static async Task<Results<Ok<Job>, ProblemHttpResult>> GetAsync(string id, JobStore jobs, JobWaits waits, CancellationToken cancellationToken)
    {
        if (await FindAsync(id, jobs, cancellationToken) is not { } job)
            return UnknownJob(id);
        return TypedResults.Ok(job.Status == JobStatus.Queued ? job with { Waiting = await waits.ExplainAsync(job.Id, cancellationToken) } : job);
    }

    static async Task<Results<Ok<Page<JobAttempt>>, ProblemHttpResult>> GetAttemptsAsync(string id, JobStore jobs, CancellationToken cancellationToken) =>
        await ExistingAsync(id, jobs, cancellationToken) is { } job
            ? TypedResults.Ok(new Page<JobAttempt>(await jobs.AttemptsAsync(job, cancellationToken)))
            : UnknownJob(id);

    static async Task<Results<Ok<Job>, Accepted<Job>, ProblemHttpResult>> CancelAsync(
        string id, JobCancellation cancellation, CancellationToken cancellationToken)
    {
        if (!JobId.TryParse(id, out var jobId) || await cancellation.CancelAsync(jobId, cancellationToken) is not { } result)
            return UnknownJob(id);
        return result switch
        {
            { Changed: false } => Problems.Conflict("job-is-final", $"The job is {result.Job.Status.Word()} already."),
            { Job.IsFinal: true } => TypedResults.Ok(result.Job),
            _ => TypedResults.Accepted($"/api/v1/jobs/{id}", result.Job),
        };
    }

    static async Task<Results<PushStreamHttpResult, ProblemHttpResult>> GetLogAsync(
        string id, string? follow, string? attempt, JobStore jobs, JobLog log, HttpContext context, CancellationToken cancellationToken)
    {
        if (await ExistingAsync(id, jobs, cancellationToken) is not { } job)
            return UnknownJob(id);
        var errors = new Errors();
        var wanted = Attempt(attempt, errors);
        var isFollowed = false;
        errors.Require(follow is null || bool.TryParse(follow, out isFollowed), "follow", "must be true or false");
        if (errors.Any)
            return Problems.Invalid(errors.ByField);
        context.Response.Headers.XContentTypeOptions = "nosniff";
        return TypedResults.Stream(
            // A HEAD is not worth reading the log, still less following it.
            body => HttpMethods.IsHead(context.Request.Method) ? Task.CompletedTask
                : isFollowed ? log.FollowAsync(job, wanted, body, context) : log.WriteAsync(job, wanted, body, context),
            $"text/plain; charset={Encoding.UTF8.WebName}");
    }

    static async Task<Results<Ok<Page<JobEvent>>, ProblemHttpResult>> GetEventsAsync(
        string id, string? after, string? limit, string? attempt, JobStore jobs, JobOutput output, CancellationToken cancellationToken)
    {
        if (await ExistingAsync(id, jobs, cancellationToken) is not { } job)
            return UnknownJob(id);
        var errors = new Errors();
        var from = 0;
        errors.Require(after is null || int.TryParse(after, out from) && from >= 0, "after", "must be the seq of an event");
        var size = PageSize(limit, Limits.LargestPage, errors);
        var wanted = Attempt(attempt, errors);
        if (errors.Any)
            return Problems.Invalid(errors.ByField);
        var events = await output.EventsAsync(job, wanted, from, size, cancellationToken);
        return TypedResults.Ok(new Page<JobEvent>(events, events.Count == size ? $"{events[^1].Seq}" : null));
    }

    static async Task<Results<Ok<Page<Delivery>>, ProblemHttpResult>> GetDeliveriesAsync(
        string id, JobStore jobs, DeliveryStore deliveries, CancellationToken cancellationToken) =>
        await ExistingAsync(id, jobs, cancellationToken) is { } job
            ? TypedResults.Ok(new Page<Delivery>(await deliveries.OfJobAsync(job, cancellationToken)))
            : UnknownJob(id);

    static int? Attempt(string? attempt, Errors errors)
    {
        if (attempt is null)
            return null;
        errors.Require(int.TryParse(attempt, out var number) && number >= 1, "attempt", "must be the number of an attempt: 1, 2, 3 …");
        return number;
    }

    static int PageSize(string? limit, int largest, Errors errors)
    {
        var size = Limits.PageSize;
        errors.Require(limit is null || int.TryParse(limit, out size) && size >= 1 && size <= largest, "limit", $"must be 1 to {largest}");
        return size;
    }

    static Task<Job?> FindAsync(string id, JobStore jobs, CancellationToken cancellationToken) =>
        JobId.TryParse(id, out var jobId) ? jobs.FindAsync(jobId, cancellationToken) : Task.FromResult<Job?>(null);

    // For what is asked for often, and needs nothing of the job but that it is there.
    static async Task<JobId?> ExistingAsync(string id, JobStore jobs, CancellationToken cancellationToken) =>
        JobId.TryParse(id, out var job) && await jobs.FindProgressAsync(job, cancellationToken) is not null ? job : null;

    static ProblemHttpResult UnknownJob(string id) => Problems.NotFound("job", id);
}

using AspireJobs.Api.Http;
using AspireJobs.Jobs;
using Microsoft.AspNetCore.Http.HttpResults;

namespace AspireJobs.Api.Queues;

/// <summary>What a queue is to be like.</summary>
sealed record QueueSettings
{
    /// <summary>1 to 10,000: how many of its jobs may run at once; no limit when absent.</summary>
    public int? MaxRunning { get; init; }

    /// <summary>Its jobs wait; those that run go on.</summary>
    public bool Paused { get; init; }
}

static class QueuesApi
{
    public static void MapQueues(this IEndpointRouteBuilder api)
    {
        api.MapGet("/queues", ListAsync);
        api.MapGet("/queues/{name}", GetAsync);
        api.MapPut("/queues/{name}", SetAsync).RequireAdmin();
        api.MapDelete("/queues/{name}", DeleteAsync).RequireAdmin();
    }

    static async Task<Ok<Page<QueueState>>> ListAsync(QueueStore queues, CancellationToken cancellationToken) =>
        TypedResults.Ok(new Page<QueueState>(await queues.ListAsync(cancellationToken)));

    static async Task<Results<Ok<QueueState>, ProblemHttpResult>> GetAsync(string name, QueueStore queues, CancellationToken cancellationToken) =>
        await queues.FindAsync(name, cancellationToken) is { } queue ? TypedResults.Ok(queue) : UnknownQueue(name);

    static async Task<Results<Ok<QueueState>, Created<QueueState>, ProblemHttpResult>> SetAsync(
        string name, Body<QueueSettings> body, QueueStore queues, JobSignals signals, CancellationToken cancellationToken)
    {
        var (errors, settings) = (new Errors(), body.Value);
        errors.AddFault("name", Names.Fault(name));
        errors.Require(Limits.IsMaxRunning(settings.MaxRunning), "max_running", Limits.MaxRunningRule);
        if (errors.Any)
            return Problems.Invalid(errors.ByField);
        var made = await queues.SetAsync(new Queue(name, settings.MaxRunning, settings.Paused), cancellationToken);
        await signals.ReadyAsync();
        if (await queues.FindAsync(name, cancellationToken) is not { } queue)
            return UnknownQueue(name);
        return made ? TypedResults.Created($"/api/v1/queues/{name}", queue) : TypedResults.Ok(queue);
    }

    static async Task<Results<NoContent, ProblemHttpResult>> DeleteAsync(string name, QueueStore queues, CancellationToken cancellationToken) =>
        name == QueueStore.Default ? Problems.Conflict("queue-is-needed", $"The queue '{name}' is where jobs go that name none; it cannot be deleted.")
        : await queues.DeleteAsync(name, cancellationToken) switch
        {
            QueueDeletion.Deleted => TypedResults.NoContent(),
            QueueDeletion.InUse => Problems.Conflict("queue-in-use", $"Jobs wait or run in queue '{name}', or a schedule puts jobs there; nothing was changed."),
            _ => UnknownQueue(name),
        };

    static ProblemHttpResult UnknownQueue(string name) => Problems.NotFound("queue", name);
}

using AspireJobs.Api.Http;
using AspireJobs.Jobs;
using Microsoft.AspNetCore.Http.HttpResults;

namespace AspireJobs.Api.Workers;

static class WorkersApi
{
    public static void MapWorkers(this IEndpointRouteBuilder api)
    {
        api.MapGet("/workers", ListAsync);
        api.MapPost("/workers/{id}/drain", DrainAsync).RequireAdmin();
        api.MapDelete("/workers/{id}/drain", ResumeAsync).RequireAdmin();
    }

    static async Task<Ok<Page<WorkerState>>> ListAsync(WorkerStore workers, CancellationToken cancellationToken) =>
        TypedResults.Ok(new Page<WorkerState>(await workers.ListAsync(cancellationToken)));

    static Task<Results<Ok<WorkerState>, ProblemHttpResult>> DrainAsync(string id, WorkerStore workers, JobSignals signals, CancellationToken cancellationToken) =>
        OrderAsync(id, draining: true, workers, signals, cancellationToken);

    static Task<Results<Ok<WorkerState>, ProblemHttpResult>> ResumeAsync(string id, WorkerStore workers, JobSignals signals, CancellationToken cancellationToken) =>
        OrderAsync(id, draining: false, workers, signals, cancellationToken);

    static async Task<Results<Ok<WorkerState>, ProblemHttpResult>> OrderAsync(
        string id, bool draining, WorkerStore workers, JobSignals signals, CancellationToken cancellationToken)
    {
        if (await workers.DrainAsync(id, draining, cancellationToken) is not { } worker)
            return Problems.NotFound("worker", id);
        await signals.WorkerAsync(id);
        return TypedResults.Ok(worker);
    }
}

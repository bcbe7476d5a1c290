using AspireJobs.Jobs;
using AspireJobs.Tests.Infrastructure;

namespace AspireJobs.Tests.Jobs;

/// <summary>Jobs of some callers in line.</summary>
public abstract class JobLine(Stores stores) : JobDatabase(stores)
{
    protected static readonly Guid Alice = Guid.NewGuid();
    protected static readonly Guid Bob = Guid.NewGuid();
    protected static readonly Guid Carol = Guid.NewGuid();

    protected static readonly Comparer<JobId> ById = Comparer<JobId>.Create((one, other) => one.Value.CompareTo(other.Value));

    DateTimeOffset _nextIdAt;

    protected async Task<List<JobId>> SubmitAsync(Guid caller, int count, Func<JobRequest, object>? change = null)
    {
        await using var connection = await Db.OpenConnectionAsync(Stop);
        var ids = new List<JobId>();
        for (var i = 0; i < count; i++)
        {
            var request = new JobRequest { Source = new JobSource { Type = SourceType.Inline, Content = "x" } };
            request = change?.Invoke(request) as JobRequest ?? request;
            ids.Add((await JobIntake.StoreAsync(connection, new NewJob(NextId(), request, caller, "test", null, null))).Job.Id);
        }
        return ids;
    }

    // Two of the same millisecond would stand in any order.
    JobId NextId()
    {
        var now = TimeProvider.System.GetUtcNow();
        var at = now > _nextIdAt ? now : _nextIdAt;
        _nextIdAt = at + TimeSpan.FromMilliseconds(1);
        return new JobId(Guid.CreateVersion7(at));
    }

    protected async Task<List<JobId>> ClaimAsync(int count, string worker = "worker", IReadOnlyList<string>? queues = null) =>
        (await Leases.ClaimAsync(worker, queues, count, Stop)).Jobs.ConvertAll(claimed => claimed.Job.Id);

    protected async Task<List<JobId>> ClaimOneByOneAsync(int count)
    {
        var ids = new List<JobId>();
        for (var i = 0; i < count; i++)
            ids.AddRange(await ClaimAsync(1));
        return ids;
    }

    protected async Task FinishAsync(JobId id) => Assert.Equal(Settled.Final,
        await Results.FinishAsync("worker", new JobLease(id, 1), new JobResult(JobOutcome.Success), JobOutputBatch.Empty));
}

using AspireJobs.Jobs;
using AspireJobs.Tests.Infrastructure;

namespace AspireJobs.Tests.Jobs;

/// <summary>The two statements that store new jobs.</summary>
public sealed class IntakeTests(Stores stores) : JobDatabase(stores)
{
    [Fact]
    public async Task Jobs_that_are_stored_together_are_stored_as_they_are_alone()
    {
        var (alone, together) = (OfAllKinds(Guid.NewGuid()), OfAllKinds(Guid.NewGuid()));

        foreach (var job in alone)
            Assert.Equal([job.Id.Value], await StoreAsync(job));
        Assert.Equal(together.Select(job => job.Id.Value).Order(), (await StoreAsync(together)).Order());

        var rows = await RowsAsync(alone);
        Assert.Equal(rows, await RowsAsync(together));
        Assert.Equal(rows.Count, rows.Distinct().Count());
    }

    [Fact]
    public async Task A_key_that_is_known_makes_no_row_alone_or_among_others()
    {
        var jobs = OfAllKinds(Guid.NewGuid());
        await StoreAsync(jobs);

        var again = jobs.ConvertAll(job => job with { Id = JobId.Create(TimeProvider.System) });

        Assert.Empty(await StoreAsync(again[^1]));
        Assert.Equal(again.Where(job => job.Idempotency is null).Select(job => job.Id.Value).Order(), (await StoreAsync([.. again])).Order());
    }

    // All that a row can hold, some of it in one job and some in another.
    static List<NewJob> OfAllKinds(Guid caller)
    {
        var soon = new DateTimeOffset(2100, 1, 1, 0, 0, 0, TimeSpan.FromHours(2));
        var plain = new JobRequest { Source = new JobSource { Type = SourceType.Inline, Content = "x" } };
        return
        [
            Job(plain),
            Job(plain with { CallbackUrl = "https://example.com/done", Labels = new Dictionary<string, string> { ["team"] = "web" } }),
            Job(plain with { Priority = 9, ConcurrencyKey = "db01", ConcurrencyLimit = 3, ExpiresAt = soon }) with { TraceState = "vendor=1" },
            Job(plain with { Priority = 9, NotBefore = soon }) with { RerunOf = new JobId(new Guid(1, 2, 3, [4, 5, 6, 7, 8, 9, 10, 11])), Schedule = "nightly" },
            Job(plain with { Source = new JobSource { Type = SourceType.Git, Url = "https://example.com/x.git" } }) with { Sealed = [1, 2], Idempotency = new("key", new byte[32]) },
        ];

        NewJob Job(JobRequest request) => new(JobId.Create(TimeProvider.System), request, caller, "test", "00-0123456789abcdef0123456789abcdef-0123456789abcdef-01", null);
    }

    async Task<List<Guid>> StoreAsync(params IReadOnlyList<NewJob> jobs)
    {
        await using var connection = await Db.OpenConnectionAsync(Stop);
        return (await JobInsert.Command(connection, [.. jobs.Select(Entrant.Of)]).QueryAsync(JobInsert.Read, Stop)).ConvertAll(row => row.Id);
    }

    // But for whose it is and for the time: only whether it is a later one.
    async Task<List<string>> RowsAsync(List<NewJob> jobs) => await Db.Command(
        """
        select (to_jsonb(jobs) - array['id', 'api_key_id', 'created_at', 'ready_at'] || jsonb_build_object('waits', ready_at > created_at))::text
        from jobs where id = any($1) order by 1
        """,
        jobs.ConvertAll(job => job.Id.Value).ToArray()).QueryAsync(row => row.GetString(0), Stop);
}

using AspireJobs.Jobs;
using AspireJobs.Tests.Infrastructure;
using NpgsqlTypes;

namespace AspireJobs.Tests.Jobs;

/// <summary>The statements that store new jobs: of a lone one, of a lone one that workers see before it is on disk, and of several together.</summary>
public sealed class IntakeTests(Stores stores) : JobDatabase(stores)
{
    static readonly JobRequest Plain = new() { Source = new JobSource { Type = SourceType.Inline, Content = "x" } };
    static readonly DateTimeOffset Later = new(2100, 1, 1, 0, 0, 0, TimeSpan.FromHours(2));

    [Fact]
    public async Task Jobs_that_are_stored_together_are_stored_as_they_are_alone()
    {
        // Two callers each, of whom one has jobs in line already.
        var (alone, seenFirst, together) = (OfAllKinds(Guid.NewGuid(), Guid.NewGuid()), OfAllKinds(Guid.NewGuid(), Guid.NewGuid()), OfAllKinds(Guid.NewGuid(), Guid.NewGuid()));
        foreach (var caller in new[] { alone[0].ApiKeyId, seenFirst[0].ApiKeyId, together[0].ApiKeyId })
            foreach (var priority in new[] { 5, 5, 5, 9 })
                await StoreAsync(Job(Plain with { Priority = priority }, caller));

        foreach (var job in alone)
            Assert.Equal([job.Id.Value], await StoreAsync(job));
        await using (var connection = await Db.OpenConnectionAsync(Stop))
            foreach (var job in seenFirst)
            {
                await using var batch = JobInsert.VisibleFirst(connection, Entrant(job));
                await batch.ExecuteNonQueryAsync(Stop);
            }
        Assert.Equal(together.Select(job => job.Id.Value).Order(), (await StoreAsync([.. together])).Order());

        var rows = await RowsAsync(alone);
        Assert.Equal(rows, await RowsAsync(seenFirst));
        Assert.Equal(rows, await RowsAsync(together));
        Assert.Equal(rows.Count, rows.Distinct().Count());
    }

    [Fact]
    public async Task A_job_that_workers_see_before_it_is_on_disk_is_there_when_the_second_result_comes()
    {
        var job = Job(Plain, Guid.NewGuid());
        await using var connection = await Db.OpenConnectionAsync(Stop);
        await using (var batch = JobInsert.VisibleFirst(connection, Entrant(job)))
        await using (var reader = await batch.ExecuteReaderAsync(Stop))
        {
            Assert.True(await reader.ReadAsync(Stop));
            Assert.Single(await RowsAsync([job]));
            Assert.True(await reader.NextResultAsync(Stop) && await reader.ReadAsync(Stop));
            // Where the second transaction began to write: after all that the first has written.
            var written = reader.GetFieldValue<NpgsqlLogSequenceNumber>(0);
            Assert.Equal([true], await Db.Command("select pg_current_wal_flush_lsn() > $1::text::pg_lsn", written.ToString()).QueryAsync(row => row.GetBoolean(0), Stop));
        }

        Assert.Equal(["on"], await connection.Command("show synchronous_commit").QueryAsync(row => row.GetString(0), Stop));
    }

    [Fact]
    public async Task A_key_that_is_known_makes_no_row_alone_or_among_others()
    {
        var caller = Guid.NewGuid();
        var (first, again, other) = (WithKey("one"), WithKey("one"), WithKey("another"));

        Assert.Single(await StoreAsync(first, again));
        Assert.Empty(await StoreAsync(WithKey("one")));
        Assert.Equal([other.Id.Value], await StoreAsync(WithKey("one"), other));

        NewJob WithKey(string key) => Job(Plain, caller) with { Idempotency = new(key, new byte[32]) };
    }

    [Fact]
    public async Task All_of_a_job_is_stored_where_it_belongs()
    {
        var job = Job(
            Plain with
            {
                Queue = "default", Priority = 7, CallbackUrl = "https://example.com/done", NotBefore = Later, ExpiresAt = Later.AddHours(1),
                ConcurrencyKey = "db01", ConcurrencyLimit = 3,
            },
            Guid.NewGuid()) with
        {
            TraceState = "vendor=1", Sealed = [1, 2], Idempotency = new("key", [.. Enumerable.Repeat<byte>(3, 32)]), RerunOf = JobId.Create(TimeProvider.System), Schedule = "nightly",
        };

        await StoreAsync(job);

        var row = Assert.Single(await Db.Command(
            """
            select concat_ws(' ', queue, priority, api_key_id, api_key_name, source_type, callback_url, trace_parent, trace_state, turn is null,
                ready_at at time zone 'utc', expires_at at time zone 'utc', concurrency_key, concurrency_limit, idempotency_key, encode(request_digest, 'hex'),
                rerun_of, encode(sealed, 'hex'), schedule, request ->> 'priority')
            from jobs where id = $1
            """,
            job.Id.Value).QueryAsync(row => row.GetString(0), Stop));
        Assert.Equal(
            $"default 7 {job.ApiKeyId} test inline https://example.com/done {job.TraceParent} vendor=1 t 2099-12-31 22:00:00 2099-12-31 23:00:00 " +
            $"db01 3 key {string.Concat(Enumerable.Repeat("03", 32))} {job.RerunOf!.Value.Value} 0102 nightly 7",
            row);
    }

    // What a row can hold, some of it in one job and some in another.
    static List<NewJob> OfAllKinds(Guid one, Guid other) =>
    [
        Job(Plain, one),
        Job(Plain with { CallbackUrl = "https://example.com/done", Labels = new Dictionary<string, string> { ["team"] = "web" } }, one),
        Job(Plain with { Priority = 9, ConcurrencyKey = "db01", ConcurrencyLimit = 3, ExpiresAt = Later }, one) with { TraceState = "vendor=1" },
        Job(Plain with { Source = new JobSource { Type = SourceType.Git, Url = "https://example.com/x.git" } }, other) with { Sealed = [1, 2], Idempotency = new("key", new byte[32]) },
        Job(Plain with { NotBefore = DateTimeOffset.UnixEpoch }, other),
        Job(Plain with { Priority = 9, NotBefore = Later }, other) with { RerunOf = new JobId(new Guid(1, 2, 3, [4, 5, 6, 7, 8, 9, 10, 11])), Schedule = "nightly" },
    ];

    static NewJob Job(JobRequest request, Guid caller) =>
        new(JobId.Create(TimeProvider.System), request, caller, "test", "00-0123456789abcdef0123456789abcdef-0123456789abcdef-01", null);

    // Without the spans that are recorded when services of other tests listen.
    static Entrant Entrant(NewJob job) => AspireJobs.Jobs.Entrant.Of(job) with { Entry = new QueueEntry(job.Id, job.Request.Queue, Span: null) };

    async Task<List<Guid>> StoreAsync(params IReadOnlyList<NewJob> jobs)
    {
        await using var connection = await Db.OpenConnectionAsync(Stop);
        return (await JobInsert.Command(connection, [.. jobs.Select(Entrant)]).QueryAsync(JobInsert.Read, Stop)).ConvertAll(row => row.Id);
    }

    // But for whose it is and for the time: only whether it is a later one.
    Task<List<string>> RowsAsync(List<NewJob> jobs) => Db.Command(
        """
        select (to_jsonb(jobs) - array['id', 'api_key_id', 'created_at', 'ready_at'] || jsonb_build_object('waits', ready_at > created_at))::text
        from jobs where id = any($1) order by 1
        """,
        jobs.ConvertAll(job => job.Id.Value).ToArray()).QueryAsync(row => row.GetString(0), Stop);
}

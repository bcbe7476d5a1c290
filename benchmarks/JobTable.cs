using Npgsql;

namespace AspireJobs.Benchmarks;

/// <summary>What is stored, read and written past the API.</summary>
sealed class JobTable(string connectionString) : IAsyncDisposable
{
    readonly NpgsqlDataSource _db = NpgsqlDataSource.Create(new NpgsqlConnectionStringBuilder(connectionString) { CommandTimeout = 0 });

    /// <summary>Number of stored jobs.</summary>
    public Task<long> CountAsync(CancellationToken stop) => LongAsync("select count(*) from jobs", stop);

    /// <summary>Whether a job waits or runs.</summary>
    public async Task<bool> AnyLiveAsync(CancellationToken stop) => await LongAsync("select count(*) from (select from jobs where status in ('queued', 'running') limit 1) live", stop) > 0;

    /// <summary>Number of jobs that were run once, successfully, and have their recap; and the seconds from the first start to the last end.</summary>
    public async Task<(long Count, double Seconds)> DoneAsync(CancellationToken stop)
    {
        await using var command = _db.CreateCommand(
            """
            select count(*), coalesce(extract(epoch from max(finished_at) - min(started_at)), 0)::float8
            from jobs where status = 'success' and attempt = 1 and hosts ->> 'localhost' is not null
            """);
        return await PairAsync(command, stop);
    }

    /// <summary>How many jobs with this label <c>burst</c> are final, and the seconds from the storing of the first to the end of the last.</summary>
    public async Task<(long Count, double Seconds)> EndedAsync(string burst, CancellationToken stop)
    {
        await using var command = _db.CreateCommand(
            """
            select count(*), coalesce(extract(epoch from max(finished_at) - min(created_at)), 0)::float8
            from jobs where request -> 'labels' ->> 'burst' = $1 and finished_at is not null
            """);
        command.Parameters.Add(new() { Value = burst });
        return await PairAsync(command, stop);
    }

    /// <summary>Removes every job.</summary>
    public Task RemoveAllAsync(CancellationToken stop) => ExecuteAsync("truncate jobs cascade", stop);

    /// <summary>As the server's own vacuum would do in a while; without it the first measurements would pay for it.</summary>
    public Task VacuumAsync(CancellationToken stop) => ExecuteAsync("vacuum analyze", stop);

    /// <summary>
    /// As the server would do in a few minutes: from now on it writes its log into the files that it has filled so far, instead of creating new ones,
    /// for which all commits wait.
    /// </summary>
    public Task ReuseLogAsync(CancellationToken stop) => ExecuteAsync("checkpoint", stop);

    /// <summary>Stores as many ended jobs, and as many events of one of them. Returns ids: of a job in the middle, of one that 100 are older than, and of the one with events.</summary>
    public async Task<(string Middle, string Old, string WithEvents)> FillAsync(int rows, CancellationToken stop)
    {
        await ExecuteAsync(
            $$$"""
            -- Past the triggers, which would refuse jobs that begin at their end.
            set session_replication_role = replica;
            insert into jobs (id, status, outcome, request, source_type, api_key_id, api_key_name, attempt, worker_id, exit_code, hosts, created_at, started_at, finished_at)
            select {{{Id("n")}}}, case when n % 10 = 0 then 'failed' else 'success' end, case when n % 10 = 0 then 'tasks_failed' else 'success' end,
                '{"source":{"type":"inline","content":"- hosts: localhost\n  tasks:\n    - debug: {msg: hello}\n"},"labels":{"team":"benchmarks"}}',
                'inline', gen_random_uuid(), 'admin', 1, 'benchmark-00000000', 0, '{"localhost":{"ok":1,"changed":0,"unreachable":0,"failed":0,"skipped":0,"rescued":0,"ignored":0}}',
                at, at, at
            from generate_series(1, {{{rows}}}) n, lateral (select now() - make_interval(secs => {{{rows}}} - n) as at) as clock;
            insert into job_events (job_id, seq, attempt, at, type, data)
            select {{{Id("1")}}}, n, 1, now(), 'runner_on_ok', '{"host":"localhost","task":"debug","res":{"msg":"hello","changed":false}}'
            from generate_series(1, {{{rows}}}) n;
            reset session_replication_role
            """, stop);
        return (await NthAsync(rows / 2, stop), await NthAsync(101, stop), await NthAsync(1, stop));
    }

    static async Task<(long, double)> PairAsync(NpgsqlCommand command, CancellationToken stop)
    {
        await using var reader = await command.ExecuteReaderAsync(stop);
        await reader.ReadAsync(stop);
        return (reader.GetInt64(0), reader.GetDouble(1));
    }

    public ValueTask DisposeAsync() => _db.DisposeAsync();

    // A UUID version 7 of the nth millisecond of 2025.
    static string Id(string n) => $"(lpad(to_hex(1735689600000 + {n}), 12, '0') || '70008000000000000000')::uuid";

    async Task<string> NthAsync(int n, CancellationToken stop)
    {
        await using var command = _db.CreateCommand($"select 'job-' || {Id($"{n}")}");
        return (string)(await command.ExecuteScalarAsync(stop))!;
    }

    async Task<long> LongAsync(string sql, CancellationToken stop)
    {
        await using var command = _db.CreateCommand(sql);
        return (long)(await command.ExecuteScalarAsync(stop))!;
    }

    async Task ExecuteAsync(string sql, CancellationToken stop)
    {
        await using var command = _db.CreateCommand(sql);
        await command.ExecuteNonQueryAsync(stop);
    }
}

using System.Collections.Concurrent;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json;
using AspireJobs.Jobs;
using AspireJobs.Tests.Infrastructure;
using Npgsql;

namespace AspireJobs.Tests.Chaos;

/// <summary>API and workers as processes of their own, to be killed. It knows what was accepted and who died when, and judges what is left.</summary>
sealed class Fleet : IAsyncDisposable
{
    const int LastLines = 10;

    static readonly TimeSpan Patience = TimeSpan.FromMinutes(3);

    readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("aspirejobs-chaos-");
    readonly Dictionary<string, string> _settings;
    readonly ConcurrentDictionary<string, JobId> _accepted = new();
    readonly ConcurrentDictionary<ServiceProcess, bool> _living = new();
    readonly ConcurrentBag<Death> _deaths = [];
    readonly ConcurrentBag<(DateTimeOffset From, DateTimeOffset To)> _databaseAway = [];
    ServiceProcess? _api;
    volatile HttpClient? _client;

    public Fleet(string postgres, string redis)
    {
        Db = NpgsqlDataSource.Create(postgres);
        _settings = new()
        {
            ["ConnectionStrings:jobsdb"] = postgres,
            ["ConnectionStrings:redis"] = redis,
            ["Credentials:MasterKey"] = "master-key-of-the-tests-0123456789abcdef",
            ["Worker:Slots"] = "2",
            ["Worker:WorkDirectory"] = WorkDirectory,
        };
    }

    static CancellationToken Stop => TestContext.Current.CancellationToken;

    public NpgsqlDataSource Db { get; }

    public HttpClient Client => _client!;

    public ServiceProcess Api => _api!;

    public int Accepted => _accepted.Count;

    // In the environment of every playbook, as its job's directory lies in it.
    string WorkDirectory => Path.Combine(_directory.FullName, "work");

    // Every playbook adds a line.
    string Marks => Path.Combine(_directory.FullName, "marks");

    public async Task StartApiAsync()
    {
        var api = await ServiceProcess.StartAsync("Api", _settings);
        _living[api] = true;
        var client = new HttpClient { BaseAddress = api.Address, Timeout = TimeSpan.FromSeconds(20) };
        client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", Stores.AdminKey);
        (_api, _client) = (api, client);
    }

    public async Task KillApiAsync()
    {
        await _api!.KillAsync();
        Bury(_api);
    }

    /// <summary>Starts a worker and returns at once.</summary>
    public ServiceProcess StartWorker(params (string Name, string Value)[] settings)
    {
        var worker = ServiceProcess.Start("Worker", new Dictionary<string, string>(_settings.Concat(settings.Select(item => KeyValuePair.Create(item.Name, item.Value)))
            .GroupBy(item => item.Key).Select(group => group.Last())));
        _living[worker] = true;
        return worker;
    }

    /// <summary>SIGKILL.</summary>
    public async Task KillAsync(ServiceProcess worker)
    {
        var at = TimeProvider.System.GetUtcNow();
        await worker.KillAsync();
        Note(worker, at);
        Bury(worker);
    }

    /// <summary>SIGSTOP.</summary>
    public void Freeze(ServiceProcess worker)
    {
        Note(worker, TimeProvider.System.GetUtcNow());
        worker.Signal("STOP");
    }

    /// <summary>Does something during which the database is away; that time does not count as a delay of the services.</summary>
    public async Task WithoutDatabaseAsync(Func<Task> act)
    {
        var from = TimeProvider.System.GetUtcNow();
        await act();
        _databaseAway.Add((from, TimeProvider.System.GetUtcNow()));
    }

    /// <summary>An inline source that notes its run, after other lines of a task list.</summary>
    public object Source(string token, string tasks = "") => new
    {
        type = "inline",
        content = $"- hosts: localhost\n  gather_facts: false\n  tasks:\n    - name: Mark\n      command: sh -c 'echo {token} >> {Marks}'\n{tasks}",
    };

    /// <summary>Submits a job, under one idempotency key until it is accepted. Its playbook notes that it ran.</summary>
    public async Task<JobId> SubmitAsync(string tasks = "", params (string Name, object Value)[] fields)
    {
        var token = Guid.NewGuid().ToString("N");
        var request = fields.ToDictionary(field => field.Name, field => field.Value);
        request.TryAdd("source", Source(token, tasks));
        while (true)
        {
            if (await TrySubmitAsync(token, request) is { } id)
                return id;
            await Form.PauseAsync(TimeSpan.FromMilliseconds(200));
        }
    }

    /// <summary>Null if the API is away or cannot reach its database.</summary>
    public async Task<JobId?> TrySubmitAsync(string token, object request)
    {
        using var message = new HttpRequestMessage(HttpMethod.Post, "/api/v1/jobs") { Content = JsonContent.Create(request) };
        message.Headers.Add("Idempotency-Key", token);
        try
        {
            using var response = await Client.SendAsync(message, Stop);
            if (response.StatusCode >= HttpStatusCode.InternalServerError)
                return null;
            Assert.True(response.IsSuccessStatusCode, await response.Content.ReadAsStringAsync());
            var id = (await response.Content.ReadFromJsonAsync(JobsJson.Default.Job))!.Id;
            _accepted[token] = id;
            return id;
        }
        catch (Exception e) when (e is HttpRequestException or IOException || (e is OperationCanceledException && !Stop.IsCancellationRequested))
        {
            return null;
        }
    }

    public async Task<Job> GetAsync(JobId id) => (await Client.GetFromJsonAsync($"/api/v1/jobs/{id}", JobsJson.Default.Job))!;

    /// <summary>Waits until a query over the jobs, or over what the server does, finds a row.</summary>
    public async Task UntilAsync(string sql, params object[] values) =>
        Assert.True(
            await ComesTrueAsync(async () => await AnyAsync(sql, values), Patience),
            $"This did not come true: {sql} {string.Join(' ', values)}\n{string.Join('\n', _living.Keys.SelectMany(process => process.Lines.TakeLast(LastLines).Concat(process.Errors)))}");

    /// <summary>Waits until a job is final.</summary>
    public Task FinalAsync(JobId id) => UntilAsync("select 1 from jobs where id = $1 and outcome is not null", id.Value);

    /// <summary>Whether a query finds a row; false also while the database is away.</summary>
    async Task<bool> AnyAsync(string sql, object[] values)
    {
        try
        {
            await using var command = Command(sql, values);
            return await command.ExecuteScalarAsync(Stop) is not null;
        }
        catch (NpgsqlException)
        {
            return false;
        }
    }

    NpgsqlCommand Command(string sql, params object[] values)
    {
        var command = Db.CreateCommand(sql);
        foreach (var value in values)
            command.Parameters.Add(new NpgsqlParameter { Value = value });
        return command;
    }

    static async Task<bool> ComesTrueAsync(Func<Task<bool>> condition, TimeSpan patience)
    {
        var began = TimeProvider.System.GetTimestamp();
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(100));
        while (!await condition())
        {
            if (TimeProvider.System.GetElapsedTime(began) > patience)
                return false;
            await timer.WaitForNextTickAsync(Stop);
        }
        return true;
    }

    /// <summary>Waits until every job is final, kills what still lives, and judges. A worker must live until then.</summary>
    public async Task<Verdict> JudgeAsync()
    {
        await ComesTrueAsync(async () => !await AnyAsync("select 1 from jobs where outcome is null limit 1", []) && await AnyAsync("select 1", []), Patience);
        foreach (var process in _living.Keys)
            await process.KillAsync();
        await ComesTrueAsync(() => Task.FromResult(Orphans().Count == 0), TimeSpan.FromSeconds(15));
        var rows = await RowsAsync();
        var marks = File.Exists(Marks) ? (await File.ReadAllLinesAsync(Marks)).CountBy(line => line).ToDictionary() : [];
        return new(
            Jobs: rows.Count,
            Lost: [.. _accepted.Where(job => !rows.TryGetValue(job.Value, out var row) || row.Outcome is null).Select(job => $"{job.Value}")],
            RunTwice: [.. _accepted.Where(job => rows.TryGetValue(job.Value, out var row) && marks.GetValueOrDefault(job.Key) > (row.Retried ? row.Attempt : 1)).Select(job => $"{job.Value}")],
            Unmarked: [.. _accepted.Where(job => rows.TryGetValue(job.Value, out var row) && row.Outcome == "success" && !marks.ContainsKey(job.Key)).Select(job => $"{job.Value}")],
            Gaps: await GapsAsync(),
            Orphans: [.. Orphans().Select(Processes.Describe)],
            SlowestSettlement: await SlowestSettlementAsync(),
            Outcomes: rows.Values.CountBy(row => row.Outcome ?? "none").ToDictionary());
    }

    List<int> Orphans() => [.. Processes.WithEnvironmentText(_directory.FullName)];

    async Task<Dictionary<JobId, (string? Outcome, int Attempt, bool Retried)>> RowsAsync()
    {
        var rows = new Dictionary<JobId, (string?, int, bool)>();
        await using var command = Command("select id, outcome, attempt, coalesce(request ->> 'on_worker_lost', 'fail') = 'retry' from jobs");
        await using var reader = await command.ExecuteReaderAsync(Stop);
        while (await reader.ReadAsync(Stop))
            rows[new JobId(reader.GetGuid(0))] = (reader.IsDBNull(1) ? null : reader.GetString(1), reader.GetInt32(2), reader.GetBoolean(3));
        return rows;
    }

    async Task<IReadOnlyList<string>> GapsAsync()
    {
        var gaps = new List<string>();
        await using var command = Command(
            """
            select 'events of ' || job_id from job_events group by job_id having min(seq) <> 1 or max(seq) <> count(*)
            union all select 'log of ' || job_id from job_log group by job_id having min(seq) <> 1 or max(seq) <> count(*)
            """);
        await using var reader = await command.ExecuteReaderAsync(Stop);
        while (await reader.ReadAsync(Stop))
            gaps.Add(reader.GetString(0));
        return gaps;
    }

    // From the last death of a worker before the settlement of its job; a frozen worker counts as dead from then on.
    async Task<TimeSpan> SlowestSettlementAsync()
    {
        var slowest = TimeSpan.Zero;
        await using var command = Command(
            """
            select worker_id, finished_at from (
                select worker_id, finished_at, failure from jobs where outcome = 'worker_lost'
                union all select worker_id, finished_at, failure from job_attempts where outcome = 'worker_lost') lost
            where failure ->> 'message' like '%not heard of%'
            """);
        await using var reader = await command.ExecuteReaderAsync(Stop);
        while (await reader.ReadAsync(Stop))
        {
            var (workerId, finishedAt) = (reader.GetString(0), reader.GetFieldValue<DateTimeOffset>(1));
            var deaths = _deaths.Where(death => death.WorkerId == workerId && death.At < finishedAt).Select(death => death.At).ToList();
            if (deaths.Count > 0 && Waited(deaths.Max(), finishedAt) is var waited && waited > slowest)
                slowest = waited;
        }
        return slowest;
    }

    TimeSpan Waited(DateTimeOffset from, DateTimeOffset to)
    {
        var away = _databaseAway.Select(away => Min(to, away.To) - Max(from, away.From)).Where(overlap => overlap > TimeSpan.Zero);
        return to - from - away.Aggregate(TimeSpan.Zero, (sum, overlap) => sum + overlap);

        static DateTimeOffset Min(DateTimeOffset a, DateTimeOffset b) => a < b ? a : b;
        static DateTimeOffset Max(DateTimeOffset a, DateTimeOffset b) => a > b ? a : b;
    }

    void Note(ServiceProcess worker, DateTimeOffset at)
    {
        // One that died before it wrote this line had taken no job.
        if (worker.Lines.FirstOrDefault(line => line.Contains("\"event\":\"worker_started\"", StringComparison.Ordinal)) is { } line)
            _deaths.Add(new(JsonSerializer.Deserialize<JsonElement>(line).GetProperty("worker_id").GetString()!, at));
    }

    void Bury(ServiceProcess process)
    {
        _living.TryRemove(process, out _);
        process.Dispose();
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var process in _living.Keys)
            process.Dispose();
        await Db.DisposeAsync();
        _client?.Dispose();
        // The supervisors of playbooks whose worker was killed may still be at it.
        await ComesTrueAsync(() => Task.FromResult(Orphans().Count == 0), TimeSpan.FromSeconds(15));
        _directory.Delete(recursive: true);
    }

    sealed record Death(string WorkerId, DateTimeOffset At);
}

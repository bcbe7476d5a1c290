using System.Net;
using System.Net.Http.Json;
using System.Net.Sockets;
using AspireJobs.Jobs;
using AspireJobs.Tests.Infrastructure;
using Npgsql;

namespace AspireJobs.Tests.Chaos;

/// <summary>A worker that is killed in one step of a job.</summary>
public sealed class WorkerDeathTests(Stores stores) : IAsyncLifetime
{
    static readonly string[] Steps = ["claim", "fetch", "credentials", "run", "log", "finish"];

    StoreLease _store = null!;
    Fleet _fleet = null!;

    static CancellationToken Stop => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        _store = await stores.LeaseAsync();
        _fleet = new Fleet(_store.Postgres, _store.Redis);
        await _fleet.StartApiAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await _fleet.DisposeAsync();
        await _store.DisposeAsync();
    }

    [Fact]
    public async Task A_worker_killed_in_any_step_of_a_job_loses_nothing()
    {
        await using var db = await _fleet.Db.OpenConnectionAsync(Stop);
        foreach (var step in Steps.Append("survivor"))
            await new QueueStore(_fleet.Db).SetAsync(new Queue(step, null, false), Stop);
        await WorkerAsync("survivor");

        // One worker for each step, and what follows their deaths is waited for together.
        JobId[] jobs = [await FetchAsync(), await CredentialsAsync(), await RunAsync(), await LogAsync(), await FinishAsync()];
        var claimed = await ClaimAsync(db);
        foreach (var job in jobs)
            await _fleet.FinalAsync(job);
        // The dead worker's claim was carried out, or was not: then the job still waits, for a worker of its queue.
        await _fleet.UntilAsync("select 1 from jobs where id = $1 and (outcome is not null or worker_id is null)", claimed.Value);
        await WorkerAsync("claim");
        await _fleet.FinalAsync(claimed);
        await _fleet.FinalAsync(await SubmitAsync("survivor"));
        var verdict = await _fleet.JudgeAsync();

        verdict.HasNoFault();
        Assert.Equal(Steps.Length + 1, verdict.Jobs);
    }

    async Task<JobId> ClaimAsync(NpgsqlConnection db)
    {
        var worker = await WorkerAsync("claim");
        JobId id;
        await using (var locked = await db.BeginTransactionAsync(Stop))
        {
            await ExecuteAsync(db, JobLeases.TakeTurn);
            id = await SubmitAsync("claim");
            await _fleet.UntilAsync("select 1 from pg_stat_activity where wait_event = 'advisory' and datname = current_database()");
            await _fleet.KillAsync(worker);
        }
        return id;
    }

    async Task<JobId> FetchAsync()
    {
        using var server = new TcpListener(IPAddress.Loopback, 0);
        server.Start();
        var worker = await WorkerAsync("fetch");
        var id = await SubmitAsync("fetch", ("source", new { type = "git", url = $"http://127.0.0.1:{((IPEndPoint)server.LocalEndpoint).Port}/hangs.git" }), ("playbook", "site.yml"));
        using var accepted = await server.AcceptTcpClientAsync(Stop);
        await _fleet.KillAsync(worker);
        return id;
    }

    async Task<JobId> CredentialsAsync()
    {
        using var created = await _fleet.Client.PostAsJsonAsync("/api/v1/credentials", new { name = "opens", type = "variables", values = new { answer = "forty-two" } });
        Assert.True(created.IsSuccessStatusCode, await created.Content.ReadAsStringAsync());
        var worker = await WorkerAsync("credentials");
        var id = await SubmitAsync("credentials", ("credentials", new[] { "opens" }));
        await worker.EventAsync("credential_accessed", $"{id}");
        await _fleet.KillAsync(worker);
        return id;
    }

    async Task<JobId> RunAsync()
    {
        var worker = await WorkerAsync("run");
        var id = await SubmitAsync("run", "    - name: Sleep\n      command: sleep 600\n");
        await _fleet.UntilAsync("select 1 from job_log where job_id = $1 and content like '%TASK [Sleep]%'", id.Value);
        await _fleet.KillAsync(worker);
        return id;
    }

    // The share that an append takes of the job's row is refused to it until the worker is dead.
    Task<JobId> LogAsync() => LockedAsync("log", "status = 'running'", "for update", "for share");

    // Appends, but for the first, share the row with the test, the end of the attempt has to wait. (Of a statement the server shows the first 1,024 bytes.)
    Task<JobId> FinishAsync() => LockedAsync("finish", "provenance is not null", "for share", "with result as (");

    async Task<JobId> LockedAsync(string step, string since, string hold, string waiting)
    {
        var worker = await WorkerAsync(step);
        var id = await SubmitAsync(step, "    - name: Sleep\n      command: sleep 2\n");
        await _fleet.UntilAsync($"select 1 from jobs where id = $1 and {since}", id.Value);
        await using var db = await _fleet.Db.OpenConnectionAsync(Stop);
        await using var locked = await db.BeginTransactionAsync(Stop);
        await ExecuteAsync(db, $"select 1 from jobs where id = '{id.Value}' {hold}");
        await _fleet.UntilAsync($"select 1 from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database() and query like '%{waiting}%'");
        await _fleet.KillAsync(worker);
        return id;
    }

    async Task<ServiceProcess> WorkerAsync(string queue)
    {
        var worker = _fleet.StartWorker(("Worker:Queues:0", queue), ("Worker:Slots", "1"));
        await worker.LineAsync(line => line.Contains("\"event\":\"worker_started\"", StringComparison.Ordinal));
        return worker;
    }

    Task<JobId> SubmitAsync(string queue, params (string Name, object Value)[] fields) => SubmitAsync(queue, "", fields);

    Task<JobId> SubmitAsync(string queue, string tasks, params (string Name, object Value)[] fields) => _fleet.SubmitAsync(tasks, [("queue", queue), .. fields]);

    static async Task ExecuteAsync(NpgsqlConnection db, string sql)
    {
        await using var command = new NpgsqlCommand(sql, db);
        await command.ExecuteNonQueryAsync(Stop);
    }
}

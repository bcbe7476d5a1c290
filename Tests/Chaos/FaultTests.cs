using System.Net;
using System.Net.Sockets;
using AspireJobs.Jobs;
using AspireJobs.Tests.Infrastructure;
using Microsoft.Extensions.DependencyInjection;
using StackExchange.Redis;

namespace AspireJobs.Tests.Chaos;

/// <summary>What is left when parts of the system die.</summary>
public sealed class FaultTests(Stores stores)
{
    [Fact]
    public async Task A_killed_workers_job_is_settled_by_another_and_its_playbook_dies_with_it()
    {
        await using var system = await JobSystem.StartAsync(stores, worker: false);
        await using var receiver = await CallbackReceiver.StartAsync();
        var marker = $"{Random.Shared.Next(100_000, 999_999)}";
        using var doomed = ServiceProcess.StartWorker(system);
        var id = await system.SubmitAsync(new { source = Sleeper(marker), callback_url = receiver.Url });
        await system.WaitForLogAsync(id, "TASK [Sleep]");

        doomed.Kill();
        using var other = ServiceProcess.StartWorker(system);
        var (job, log) = await system.WaitAsync(id);

        Assert.Equal((JobStatus.Failed, JobOutcome.WorkerLost, 1), (job.Status, job.Outcome, job.Attempt));
        Assert.Contains(job.WorkerId!, job.Failure!.Message);
        Assert.Contains("before", log);
        Assert.NotNull(job.Provenance?.InventoryDigest);
        Assert.Empty(Processes.WithArgument($"600.{marker}"));
        Assert.Contains("worker_lost", (await receiver.NextAsync()).Body);
    }

    [Fact]
    public async Task A_worker_that_is_shut_down_settles_its_jobs_itself_at_once()
    {
        await using var system = await JobSystem.StartAsync(stores, worker: false);
        var marker = $"{Random.Shared.Next(100_000, 999_999)}";
        using var worker = ServiceProcess.StartWorker(system);
        var id = await system.SubmitAsync(new { source = Sleeper(marker) });
        await system.WaitForLogAsync(id, "TASK [Sleep]");

        worker.Signal("TERM");
        var (job, _) = await system.WaitAsync(id);

        Assert.Equal(JobOutcome.WorkerLost, job.Outcome);
        Assert.Contains("shut down", job.Failure!.Message);
        Assert.Empty(Processes.WithArgument($"600.{marker}"));
    }

    [Fact]
    public async Task A_job_that_a_stopping_worker_hands_back_wakes_the_others()
    {
        await using var system = await JobSystem.StartAsync(stores, worker: false);
        using var server = new TcpListener(IPAddress.Loopback, 0);
        server.Start();
        using var worker = ServiceProcess.StartWorker(system);
        var id = await system.SubmitAsync(new { source = new { type = "git", url = $"http://{server.LocalEndpoint}/hangs.git" }, playbook = "site.yml" });
        using var accepted = await server.AcceptTcpClientAsync(TestContext.Current.CancellationToken);
        using var signal = new Signal(TimeProvider.System);
        await using var subscription = await system.ApiServices.GetRequiredService<JobSignals>().OnReadyAsync(signal.Set);

        worker.Signal("TERM");

        // The wake-up of the submission may be late: the worker looked by itself when it started.
        do
            Assert.True(await signal.WaitAsync(Timeout.InfiniteTimeSpan, TestContext.Current.CancellationToken));
        while ((await system.GetAsync(id)).Status != JobStatus.Queued);
    }

    [Fact]
    public async Task A_worker_that_slept_past_its_lease_writes_nothing_when_it_wakes()
    {
        await using var system = await JobSystem.StartAsync(stores, worker: false);
        using var sleeper = ServiceProcess.StartWorker(system);
        var id = await system.SubmitAsync(new { source = Sleeper("777") });
        await system.WaitForLogAsync(id, "TASK [Sleep]");

        sleeper.Signal("STOP");
        using var other = ServiceProcess.StartWorker(system);
        var (settled, log) = await system.WaitAsync(id);
        var events = (await system.EventsAsync(id)).GetRawText();
        sleeper.Signal("CONT");
        // It stops the run, tries to write the end, and is refused; the next job shows that it is through with it.
        other.Kill();
        var next = await system.RunAsync("- hosts: localhost\n  gather_facts: false\n  tasks:\n    - debug: {msg: awake}\n");

        Assert.Equal(JobOutcome.WorkerLost, settled.Outcome);
        Assert.Equal(JobOutcome.Success, next.Job.Outcome);
        Assert.Equal(settled, await system.GetAsync(id) with { Request = settled.Request, Failure = settled.Failure });
        Assert.Equal(log, await system.Client.GetStringAsync($"/api/v1/jobs/{id}/logs"));
        Assert.Equal(events, (await system.EventsAsync(id)).GetRawText());
    }

    [Fact]
    public async Task Jobs_that_Redis_has_lost_still_run()
    {
        await using var system = await JobSystem.StartAsync(stores, worker: false, webhooks: false);
        var id = await system.SubmitAsync(new { source = new { type = "inline", content = "- hosts: localhost\n  gather_facts: false\n  tasks:\n    - debug: {msg: found}\n" } });
        await system.ApiServices.GetRequiredService<IConnectionMultiplexer>().GetDatabase().ExecuteAsync("FLUSHDB");

        using var worker = ServiceProcess.StartWorker(system);
        var (job, _) = await system.WaitAsync(id);

        Assert.Equal((JobOutcome.Success, 1), (job.Outcome, job.Attempt));
    }

    [Fact]
    public async Task A_job_that_no_signal_told_of_starts_though_slots_become_free_all_the_time()
    {
        await using var system = await JobSystem.StartAsync(stores, webhooks: false, settings: new() { ["Worker:Slots"] = "10" });
        var untold = await system.SubmitAsync(new { source = JobSystem.ShortSource, not_before = TimeProvider.System.GetUtcNow().AddDays(1) });
        var gates = Enumerable.Range(0, 8).Select(_ => new Gate()).ToList();
        var held = new List<JobId>();
        foreach (var gate in gates)
            held.Add(await system.SubmitAsync(new { source = gate.Source }));
        foreach (var id in held)
            await system.WaitForLogAsync(id, "TASK [Hold]");
        // With this one the worker takes the rest of the line.
        await system.RunShortAsync();

        await system.ExecuteAsync($"update jobs set turn = 1000, ready_at = now() where id = '{untold.Value}'");
        Job? last = null;
        foreach (var (gate, id) in gates.Zip(held))
        {
            await Task.Delay(TimeSpan.FromSeconds(0.7), TimeProvider.System, TestContext.Current.CancellationToken);
            gate.Open();
            (last, _) = await system.WaitAsync(id);
            gate.Dispose();
        }
        var (found, _) = await system.WaitAsync(untold);

        Assert.True(found.StartedAt < last!.FinishedAt, $"it started at {found.StartedAt:O}, when the last of the others had ended at {last.FinishedAt:O}");
    }

    static object Sleeper(string marker) => new
    {
        type = "inline",
        content = $"- hosts: localhost\n  gather_facts: false\n  tasks:\n    - debug: {{msg: before}}\n    - name: Sleep\n      command: sleep 600.{marker}\n",
    };
}

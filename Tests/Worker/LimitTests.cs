using System.Net.Http.Json;
using System.Text.Json;
using AspireJobs.Jobs;
using AspireJobs.Tests.Infrastructure;

namespace AspireJobs.Tests.Worker;

/// <summary>Limits and drains among two workers with free slots. A later job that runs shows that an earlier one was held back.</summary>
public sealed class LimitTests(Stores stores) : IAsyncLifetime
{
    readonly Gate _gate = new();
    JobSystem _system = null!;

    HttpClient Client => _system.Client;

    public async ValueTask InitializeAsync()
    {
        _system = await JobSystem.StartAsync(stores, webhooks: false);
        _system.AddWorker();
        // Both have been heard of, and one leads.
        while (await WorkersAsync() is var workers && (workers.Count < 2 || !workers.Exists(worker => worker.GetProperty("leader").GetBoolean())))
            await Task.Delay(TimeSpan.FromMilliseconds(100), TimeProvider.System, TestContext.Current.CancellationToken);
    }

    public async ValueTask DisposeAsync()
    {
        await _system.DisposeAsync();
        _gate.Dispose();
    }

    [Fact]
    public async Task A_queues_limit_holds_until_it_is_raised()
    {
        await Client.PutAsJsonAsync("/api/v1/queues/narrow", new { max_running = 1 });
        var first = await HoldAsync(new { source = _gate.Source, queue = "narrow" });
        var second = await _system.SubmitAsync(new { source = JobSystem.ShortSource, queue = "narrow" });
        await _system.RunShortAsync();

        var held = await _system.GetAsync(second);
        var queue = await Client.GetFromJsonAsync<JsonElement>("/api/v1/queues/narrow");
        await Client.PutAsJsonAsync("/api/v1/queues/narrow", new { max_running = 2 });
        var released = await _system.WaitAsync(second);

        Assert.Equal((JobStatus.Queued, WaitingReason.QueueLimit), (held.Status, held.Waiting?.Reason));
        Assert.Equal((1, 1), (queue.GetProperty("waiting").GetInt32(), queue.GetProperty("running").GetInt32()));
        Assert.Equal(JobOutcome.Success, released.Job.Outcome);
        await OpenAsync(first);
    }

    [Fact]
    public async Task A_paused_queue_holds_its_jobs_until_it_is_resumed()
    {
        await Client.PutAsJsonAsync("/api/v1/queues/asleep", new { paused = true });
        var job = await _system.SubmitAsync(new { source = JobSystem.ShortSource, queue = "asleep" });
        await _system.RunShortAsync();

        var held = await _system.GetAsync(job);
        await Client.PutAsJsonAsync("/api/v1/queues/asleep", new { paused = false });
        var released = await _system.WaitAsync(job);

        Assert.Equal((JobStatus.Queued, WaitingReason.QueuePaused), (held.Status, held.Waiting?.Reason));
        Assert.Equal(JobOutcome.Success, released.Job.Outcome);
    }

    [Fact]
    public async Task A_keys_limit_holds_until_it_is_lifted_and_holds_nobody_else()
    {
        using var limited = await _system.MakeCallerAsync("limited", maxRunning: 1);
        var first = await HoldAsync(new { source = _gate.Source }, limited);
        var second = await _system.SubmitAsync(new { source = JobSystem.ShortSource }, limited);
        await _system.RunShortAsync();

        var held = await _system.GetAsync(second);
        await Client.PatchAsJsonAsync("/api/v1/api-keys/limited", new { max_running = (int?)null });
        var released = await _system.WaitAsync(second);

        Assert.Equal((JobStatus.Queued, WaitingReason.KeyLimit), (held.Status, held.Waiting?.Reason));
        Assert.Equal(JobOutcome.Success, released.Job.Outcome);
        await OpenAsync(first);
    }

    [Fact]
    public async Task A_drained_worker_finishes_its_job_and_takes_none_until_it_is_resumed()
    {
        var running = await HoldAsync(new { source = _gate.Source });
        var drained = (await _system.GetAsync(running)).WorkerId!;
        var other = (await WorkersAsync()).Single(worker => worker.GetProperty("id").GetString() != drained).GetProperty("id").GetString()!;

        using var order = await Client.PostAsync($"/api/v1/workers/{drained}/drain", null);
        var answer = await order.Content.ReadFromJsonAsync<JsonElement>();
        Assert.Equal((true, running.ToString()), (answer.GetProperty("draining").GetBoolean(), answer.GetProperty("jobs")[0].GetString()));
        for (var i = 0; i < 3; i++)
            Assert.Equal(other, (await _system.RunShortAsync()).WorkerId);

        await Client.PostAsync($"/api/v1/workers/{other}/drain", null);
        var waiting = await _system.SubmitAsync(new { source = JobSystem.ShortSource });
        await OpenAsync(running);
        Assert.Equal(WaitingReason.Draining, (await _system.GetAsync(waiting)).Waiting?.Reason);

        using var resumed = await Client.DeleteAsync($"/api/v1/workers/{drained}/drain");
        Assert.False((await resumed.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("draining").GetBoolean());
        Assert.Equal(drained, (await _system.WaitAsync(waiting)).Job.WorkerId);
    }

    [Fact]
    public async Task The_list_of_workers_says_what_each_is_and_does()
    {
        var running = await HoldAsync(new { source = _gate.Source });
        var busy = (await _system.GetAsync(running)).WorkerId;

        // A worker says at once that it lives, and a moment later the version, for which it asks Ansible.
        await Poll.UntilAsync(async () => (await WorkersAsync()).All(worker => worker.GetProperty("ansible_version").GetString() != ""));
        var workers = await WorkersAsync();

        Assert.Equal(2, workers.Count);
        Assert.All(workers, worker =>
        {
            Assert.Equal((3, true, false), (worker.GetProperty("slots").GetInt32(), worker.GetProperty("active").GetBoolean(), worker.GetProperty("draining").GetBoolean()));
            Assert.Matches(@"^\d+\.\d+", worker.GetProperty("ansible_version").GetString());
            Assert.NotEqual("", worker.GetProperty("version").GetString());
            Assert.True(worker.GetProperty("heartbeat_at").GetDateTimeOffset() >= worker.GetProperty("started_at").GetDateTimeOffset());
            Assert.False(worker.TryGetProperty("queues", out _));
        });
        Assert.Equal(running.ToString(), workers.Single(worker => worker.GetProperty("id").GetString() == busy).GetProperty("jobs")[0].GetString());
        Assert.Single(workers, worker => worker.GetProperty("leader").GetBoolean());
        await OpenAsync(running);
    }

    async Task<JobId> HoldAsync(object request, HttpClient? caller = null)
    {
        var id = await _system.SubmitAsync(request, caller);
        await _system.WaitForLogAsync(id, "TASK [Hold]");
        return id;
    }

    async Task OpenAsync(JobId id)
    {
        _gate.Open();
        Assert.Equal(JobOutcome.Success, (await _system.WaitAsync(id)).Job.Outcome);
    }

    async Task<List<JsonElement>> WorkersAsync() =>
        [.. (await Client.GetFromJsonAsync<JsonElement>("/api/v1/workers")).GetProperty("items").EnumerateArray()];
}

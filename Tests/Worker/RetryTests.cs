using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using AspireJobs.Jobs;
using AspireJobs.Tests.Infrastructure;
using Npgsql;

namespace AspireJobs.Tests.Worker;

/// <summary>Attempts after the first, and the clocks of a job.</summary>
public sealed class RetryTests(Stores stores)
{
    const string FailsOnce =
        """
        - hosts: localhost
          gather_facts: false
          tasks:
            - debug: {msg: "trying"}
            - name: Succeed the second time
              shell: test -e {0} || {{ touch {0}; false; }}
        """;

    [Fact]
    public async Task A_failed_attempt_is_followed_by_another_and_each_keeps_its_own_output()
    {
        var system = await stores.SharedAsync();
        var flag = Path.Combine(Path.GetTempPath(), $"aspirejobs-retry-{Guid.NewGuid():N}");
        var id = await system.SubmitAsync(new
        {
            source = new { type = "inline", content = FailsOnce.Replace("{0}", flag).Replace("{{", "{").Replace("}}", "}") },
            retry_on = new[] { "tasks_failed" },
            retry_backoff_seconds = 1,
        });
        try
        {
            var (job, log) = await system.WaitAsync(id);

            Assert.Equal((JobOutcome.Success, 2), (job.Outcome, job.Attempt));
            var attempts = (await AttemptsAsync(system, id)).EnumerateArray().ToList();
            Assert.Equal(["tasks_failed", "success"], attempts.Select(attempt => attempt.GetProperty("outcome").GetString()));
            Assert.Equal("Succeed the second time", attempts[0].GetProperty("failure").GetProperty("task").GetString());
            Assert.Equal(2, log.Split("TASK [Succeed").Length - 1);
            var numbers = (await system.EventsAsync(id)).EnumerateArray().Select(item => item.GetProperty("seq").GetInt32()).ToList();
            Assert.Equal(Enumerable.Range(1, numbers.Count), numbers);
        }
        finally
        {
            File.Delete(flag);
        }
    }

    [Fact]
    public async Task Attempts_end_with_the_last_and_a_task_that_failed_is_not_repeated_unasked()
    {
        var system = await stores.SharedAsync();
        var unreachable = new { type = "git", url = "http://127.0.0.1:9/nothing.git" };
        var twice = await system.SubmitAsync(new { source = unreachable, playbook = "x.yml", max_attempts = 2, retry_backoff_seconds = 1 });
        var once = await system.SubmitAsync(new { source = new { type = "inline", content = "- hosts: localhost\n  tasks:\n    - fail: {}\n" }, max_attempts = 5 });

        Assert.Equal((JobOutcome.SourceFetchFailed, 2), Summary((await system.WaitAsync(twice)).Job));
        Assert.Equal((JobOutcome.TasksFailed, 1), Summary((await system.WaitAsync(once)).Job));
    }

    [Fact]
    public async Task A_job_between_two_attempts_says_so_and_can_be_cancelled()
    {
        var system = await stores.SharedAsync();
        var id = await system.SubmitAsync(new { source = new { type = "git", url = "http://127.0.0.1:9/nothing.git" }, playbook = "x.yml", max_attempts = 2, retry_backoff_seconds = 3600 });
        var waiting = await WaitForReasonAsync(system, id, WaitingReason.RetryBackoff);

        Assert.Equal((JobStatus.Queued, 1), (waiting.Status, waiting.Attempt));
        Assert.NotNull(waiting.ReadyAt);
        using var cancelled = await system.Client.PostAsync($"/api/v1/jobs/{id}/cancel", null);
        Assert.Equal(HttpStatusCode.OK, cancelled.StatusCode);
        var job = await system.GetAsync(id);
        Assert.Equal((JobOutcome.Cancelled, 1), Summary(job));
        Assert.Equal("cancelled before its next attempt", job.Failure!.Message);
        Assert.Null(job.DurationSeconds);
        Assert.Single((await AttemptsAsync(system, id)).EnumerateArray());
    }

    [Fact]
    public async Task A_playbook_that_says_nothing_for_too_long_is_stopped()
    {
        var system = await stores.SharedAsync();
        var id = await system.SubmitAsync(new
        {
            source = new { type = "inline", content = "- hosts: localhost\n  gather_facts: false\n  tasks:\n    - command: sleep 600.4242\n" },
            idle_timeout_seconds = 5,
        });

        var (job, _) = await system.WaitAsync(id);

        Assert.Equal(JobOutcome.IdleTimedOut, job.Outcome);
        Assert.Equal("idle_timed_out", job.Failure!.ErrorType);
        Assert.Empty(Processes.WithArgument("600.4242"));
    }

    [Fact]
    public async Task A_job_whose_worker_dies_is_tried_again_where_it_asks_for_that_and_no_more_than_three_times()
    {
        await using var system = await JobSystem.StartAsync(stores, worker: false, webhooks: false);
        var id = await system.SubmitAsync(new
        {
            source = new { type = "inline", content = "- hosts: localhost\n  gather_facts: false\n  tasks:\n    - command: sleep 600\n" },
            on_worker_lost = "retry",
            max_attempts = 10,
            retry_backoff_seconds = 1,
        });
        await using var db = NpgsqlDataSource.Create(system.Postgres);
        using var undertaker = ServiceProcess.StartWorker(system, ("Worker:Queues:0", "none"));
        for (var attempt = 1; attempt <= JobUpkeep.MostWorkersLost; attempt++)
        {
            using var doomed = ServiceProcess.StartWorker(system);
            await WaitUntilAsync(system, id, job => job.Status == JobStatus.Running && job.Attempt == attempt);
            doomed.Kill();
            // Nobody has to sit through the lease.
            await using var command = db.CreateCommand("update jobs set lease_expires_at = now() where status = 'running'");
            await command.ExecuteNonQueryAsync(TestContext.Current.CancellationToken);
            await WaitUntilAsync(system, id, job => job.Status != JobStatus.Running);
        }

        var settled = await system.GetAsync(id);
        Assert.Equal((JobStatus.Failed, JobOutcome.WorkerLost, 3), (settled.Status, settled.Outcome, settled.Attempt));
        Assert.Contains("taken down 3 workers", settled.Failure!.Message);
        Assert.Equal(3, (await AttemptsAsync(system, id)).GetArrayLength());
    }

    static (JobOutcome?, int) Summary(Job job) => (job.Outcome, job.Attempt);

    static async Task<JsonElement> AttemptsAsync(JobSystem system, JobId id) =>
        (await system.Client.GetFromJsonAsync<JsonElement>($"/api/v1/jobs/{id}/attempts")).GetProperty("items");

    static Task<Job> WaitForReasonAsync(JobSystem system, JobId id, WaitingReason reason) =>
        WaitUntilAsync(system, id, job => job.Waiting?.Reason == reason);

    // There is no signal for these moves, only for output and the end.
    static async Task<Job> WaitUntilAsync(JobSystem system, JobId id, Func<Job, bool> condition)
    {
        Job? job = null;
        await Poll.UntilAsync(async () => condition(job = await system.GetAsync(id)));
        return job!;
    }
}

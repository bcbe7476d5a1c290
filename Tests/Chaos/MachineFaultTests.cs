using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using AspireJobs.Jobs;
using AspireJobs.Tests.Infrastructure;

namespace AspireJobs.Tests.Chaos;

/// <summary>The worker's machine runs out of disk, or its clock is set.</summary>
public sealed class MachineFaultTests(Stores stores)
{
    [Fact]
    public async Task A_worker_takes_no_jobs_while_its_work_directory_is_full_says_so_and_takes_them_when_it_is_not()
    {
        await using var disk = await SmallDisk.MountAsync();
        await using var system = await JobSystem.StartAsync(stores, webhooks: false, settings: new() { ["Worker:WorkDirectory"] = disk.Path });
        await Poll.UntilAsync(async () => (await WorkersAsync(system)).GetArrayLength() == 1);

        disk.Fill();
        var waiting = await system.SubmitAsync(Request("debug: {msg: ran}"));
        await Poll.UntilAsync(async () => (await system.GetAsync(waiting)).Waiting?.Reason == WaitingReason.NoWorker);
        var (status, health) = await HealthAsync(system);
        var slots = (await WorkersAsync(system))[0].GetProperty("slots").GetInt32();
        disk.Free();
        var (waited, _) = await system.WaitAsync(waiting);
        var (filling, log) = await system.RunAsync(Playbook("command: dd if=/dev/zero of=filler bs=64k count=1000"));
        var (next, _) = await system.RunAsync(Playbook("debug: {msg: ran}"));

        Assert.Equal((HttpStatusCode.ServiceUnavailable, 0), (status, slots));
        Assert.StartsWith("Unhealthy\nwork_directory: the work directory cannot be written: No space left on device", health);
        Assert.Equal(JobOutcome.Success, waited.Outcome);
        Assert.Equal(JobStatus.Failed, filling.Status);
        Assert.Contains("No space left on device", log);
        Assert.Equal(JobOutcome.Success, next.Outcome);
        Assert.Equal((HttpStatusCode.OK, "Healthy"), await HealthAsync(system));
    }

    [Fact]
    public async Task A_worker_whose_work_directory_gets_full_costs_no_job_while_there_is_another()
    {
        await using var disk = await SmallDisk.MountAsync();
        await using var system = await JobSystem.StartAsync(stores, webhooks: false);
        using var full = ServiceProcess.StartWorker(system, ("Worker:WorkDirectory", disk.Path));
        await Poll.UntilAsync(async () => (await WorkersAsync(system)).GetArrayLength() == 2);

        disk.Fill();
        var ids = await Task.WhenAll(Enumerable.Range(0, 12).Select(_ => system.SubmitAsync(Request("debug: {msg: ran}"))));
        var jobs = await Task.WhenAll(ids.Select(id => system.WaitAsync(id)));

        Assert.All(jobs, ended => Assert.Equal(JobOutcome.Success, ended.Job.Outcome));
        Assert.Single(jobs.Select(ended => ended.Job.WorkerId).Distinct());
    }

    [Fact]
    public async Task A_job_that_no_work_directory_has_room_for_is_handed_back_twice_and_then_fails()
    {
        await using var disk = await SmallDisk.MountAsync();
        var root = Directory.CreateTempSubdirectory("aspirejobs-source-");
        await File.WriteAllTextAsync(Path.Combine(root.FullName, "site.yml"), Playbook("debug: {msg: ran}"), TestContext.Current.CancellationToken);
        // Leaves a page for the playbook and one for the first of the files that a run needs.
        await File.WriteAllBytesAsync(Path.Combine(root.FullName, "large"), new byte[SmallDisk.Bytes - 2 * Environment.SystemPageSize], TestContext.Current.CancellationToken);
        await using var system = await JobSystem.StartAsync(stores, webhooks: false, settings: new() { ["Worker:WorkDirectory"] = disk.Path, ["Worker:LocalSourceRoot"] = root.FullName });

        var (job, _) = await system.WaitAsync(await system.SubmitAsync(new { source = new { type = "local" }, playbook = "site.yml" }));
        var attempts = (await system.Client.GetFromJsonAsync<JsonElement>($"/api/v1/jobs/{job.Id}/attempts")).GetProperty("items");
        root.Delete(recursive: true);

        Assert.Equal((JobOutcome.InternalError, 3), (job.Outcome, job.Attempt));
        Assert.Contains("cannot write to its work directory: No space left on device", job.Failure!.Message);
        Assert.Equal(["worker_lost", "worker_lost", "internal_error"], attempts.EnumerateArray().Select(attempt => attempt.GetProperty("outcome").GetString()));
    }

    [Fact]
    public async Task A_job_runs_on_when_the_workers_clock_is_set()
    {
        var clock = new SteppedClock();
        await using var system = await JobSystem.StartAsync(stores, webhooks: false, workerClock: clock);
        // Longer than a lease, so that it ends well only if its lease is renewed all the time.
        var id = await system.SubmitAsync(new { source = new { type = "inline", content = Playbook("command: sleep 22") }, timeout_seconds = 120 });
        await system.WaitForLogAsync(id, "TASK [");

        clock.Step(TimeSpan.FromHours(1));
        var (meanwhile, _) = await system.RunAsync(Playbook("debug: {msg: ran}"));
        clock.Step(TimeSpan.FromHours(-2));
        var (job, _) = await system.WaitAsync(id);

        Assert.Equal((JobOutcome.Success, JobOutcome.Success), (meanwhile.Outcome, job.Outcome));
        Assert.InRange(job.DurationSeconds!.Value, 22, 120);
    }

    static async Task<(HttpStatusCode, string)> HealthAsync(JobSystem system)
    {
        using var response = await system.WorkerClient!.GetAsync("/health", TestContext.Current.CancellationToken);
        return (response.StatusCode, await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
    }

    static async Task<JsonElement> WorkersAsync(JobSystem system) =>
        (await system.Client.GetFromJsonAsync<JsonElement>("/api/v1/workers")).GetProperty("items");

    static object Request(string task) => new { source = new { type = "inline", content = Playbook(task) } };

    static string Playbook(string task) => $"- hosts: localhost\n  gather_facts: false\n  tasks:\n    - {task}\n";

    /// <summary>A clock that is set while timers and time stamps go on.</summary>
    sealed class SteppedClock : TimeProvider
    {
        long _offset;

        public override DateTimeOffset GetUtcNow() => base.GetUtcNow() + TimeSpan.FromTicks(Volatile.Read(ref _offset));

        public void Step(TimeSpan step) => Interlocked.Add(ref _offset, step.Ticks);
    }

    /// <summary>A file system of a few megabytes.</summary>
    sealed class SmallDisk : IAsyncDisposable
    {
        public const int Bytes = 8 << 20;

        readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("aspirejobs-disk-");

        public string Path => _directory.FullName;

        string Filler => System.IO.Path.Combine(Path, "filler");

        public static async Task<SmallDisk> MountAsync()
        {
            Assert.SkipUnless(Environment.IsPrivilegedProcess, "Only root may mount a file system.");
            var disk = new SmallDisk();
            if (await RunAsync("mount", "-t", "tmpfs", "-o", string.Create(CultureInfo.InvariantCulture, $"size={Bytes}"), "aspirejobs-test", disk.Path) == 0)
                return disk;
            disk._directory.Delete();
            Assert.Skip("This machine does not let a file system be mounted, as in a container.");
            throw new UnreachableException();
        }

        public void Fill()
        {
            using var filler = File.OpenWrite(Filler);
            try
            {
                while (true)
                    filler.Write(new byte[4096]);
            }
            catch (IOException)
            {
                // Full. What the stream still holds goes nowhere.
                filler.SetLength(filler.Length);
            }
        }

        public void Free() => File.Delete(Filler);

        public async ValueTask DisposeAsync()
        {
            Assert.Equal(0, await RunAsync("umount", "--lazy", Path));
            _directory.Delete();
        }

        static async Task<int> RunAsync(string program, params string[] arguments)
        {
            using var process = Process.Start(program, arguments);
            await process.WaitForExitAsync();
            return process.ExitCode;
        }
    }
}

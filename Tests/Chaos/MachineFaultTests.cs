using System.Diagnostics;
using System.Globalization;
using AspireJobs.Jobs;
using AspireJobs.Tests.Infrastructure;

namespace AspireJobs.Tests.Chaos;

/// <summary>The worker's machine runs out of disk, or its clock is set.</summary>
public sealed class MachineFaultTests(Stores stores)
{
    [Fact]
    public async Task A_job_fails_when_the_work_directory_is_full_and_the_next_one_runs_when_it_is_not()
    {
        await using var disk = await SmallDisk.MountAsync();
        await using var system = await JobSystem.StartAsync(stores, webhooks: false, settings: new() { ["Worker:WorkDirectory"] = disk.Path });

        disk.Fill();
        var (full, _) = await system.RunAsync(Playbook("debug: {msg: ran}"));
        disk.Free();
        var (filling, log) = await system.RunAsync(Playbook("command: dd if=/dev/zero of=filler bs=64k count=1000"));
        var (next, _) = await system.RunAsync(Playbook("debug: {msg: ran}"));

        Assert.Equal((JobStatus.Failed, JobOutcome.InternalError), (full.Status, full.Outcome));
        Assert.Contains("fault of worker", full.Failure!.Message);
        Assert.Equal(JobStatus.Failed, filling.Status);
        Assert.Contains("No space left on device", log);
        Assert.Equal(JobOutcome.Success, next.Outcome);
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
        const int Bytes = 8 << 20;

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

using System.Diagnostics;

namespace AspireJobs.Benchmarks;

/// <summary>What a real playbook costs as a job, beyond what the bare command costs; and the memory of the workers that run it.</summary>
static class PlaybookBenchmark
{
    const string Playbook = "hello.yml";
    const int Rounds = 10;

    static readonly TimeSpan Budget = TimeSpan.FromSeconds(45);
    static readonly TimeSpan Settling = TimeSpan.FromSeconds(2);
    static readonly object Request = new { source = new { type = "local" }, playbook = Playbook };

    public static async Task RunAsync(CancellationToken stop)
    {
        await using var service = await JobService.StartAsync(workers: true, stop);
        await Task.Delay(Settling, TimeProvider.System, stop);
        Figure.Print("worker_rss_idle", "MiB", Machine.ResidentMiB("Worker"));

        await JobAsync(service, stop);
        await BareAsync(service, stop);
        var (begin, before) = (Stopwatch.GetTimestamp(), Machine.Cpu());
        var (jobs, bare) = (new List<double>(), new List<double>());
        while (jobs.Count < Rounds && Stopwatch.GetElapsedTime(begin) < Budget)
            await PairAsync();

        var foreign = ("foreign_cores", (object)Machine.Cpu().ForeignCoresSince(before));
        Figure.Print("playbook_bare_ms", "ms", bare, foreign);
        Figure.Print("playbook_job_ms", "ms", jobs, foreign);
        Figure.Print("playbook_overhead_ms", "ms", jobs.Zip(bare, (job, command) => job - command), foreign);
        Figure.Print("worker_rss_load", "MiB", Machine.ResidentMiB("Worker"), ("jobs", jobs.Count + 1));

        // Each goes first every other time, so that neither gains by its place.
        async Task PairAsync()
        {
            if (jobs.Count % 2 == 0)
                bare.Add(await BareAsync(service, stop));
            jobs.Add(await JobAsync(service, stop));
            if (bare.Count < jobs.Count)
                bare.Add(await BareAsync(service, stop));
        }
    }

    static async Task<double> JobAsync(JobService service, CancellationToken stop)
    {
        var (job, milliseconds) = await service.RunAsync(Request, stop);
        return job.GetProperty("status").GetString() == "success" ? milliseconds : throw new InvalidOperationException($"the job failed: {job}");
    }

    static async Task<double> BareAsync(JobService service, CancellationToken stop)
    {
        // As every job has one: the playbook writes its files there.
        var room = Directory.CreateTempSubdirectory("aspirejobs-benchmark-");
        try
        {
            var command = new ProcessStartInfo("ansible-playbook", [Path.Combine(service.Samples, Playbook)]) { RedirectStandardOutput = true, RedirectStandardError = true, Environment = { ["TMPDIR"] = room.FullName } };
            var start = Stopwatch.GetTimestamp();
            using var process = Process.Start(command)!;
            var error = process.StandardError.ReadToEndAsync(stop);
            await process.StandardOutput.ReadToEndAsync(stop);
            await process.WaitForExitAsync(stop);
            var milliseconds = Stopwatch.GetElapsedTime(start).TotalMilliseconds;
            return process.ExitCode == 0 ? milliseconds : throw new InvalidOperationException($"ansible-playbook ended with {process.ExitCode}: {await error}");
        }
        finally
        {
            room.Delete(recursive: true);
        }
    }
}

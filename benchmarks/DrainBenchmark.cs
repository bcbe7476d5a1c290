namespace AspireJobs.Benchmarks;

/// <summary>How fast one worker process works off jobs that wait, when playbooks take no time but each job's result is stored.</summary>
static class DrainBenchmark
{
    const int Rounds = 3;
    const int Jobs = 20_000;

    public static readonly int[] Slots = [10, 64];
    static readonly TimeSpan BetweenLooks = TimeSpan.FromMilliseconds(50);

    public static async Task RunAsync(CancellationToken stop)
    {
        await using var service = await JobService.StartAsync(workers: false, stop);
        var runs = new List<Run>();
        for (var round = 0; round < Rounds; round++)
            foreach (var slots in Slots)
                runs.Add(await MeasureAsync(service, slots, [], stop));

        foreach (var same in runs.GroupBy(run => run.Slots))
        {
            (string, object)[] conditions = [("slots", same.Key), ("jobs", Jobs), ("foreign_cores", same.Max(run => run.ForeignCores))];
            Figure.Print("drain_jobs_per_second", "jobs/s", same.Select(run => run.PerSecond), conditions);
            Figure.Print("drain_worker_rss", "MiB", same.Select(run => run.PeakMiB), conditions);
        }
    }

    /// <summary>Works off jobs by a new worker process with this many slots and these further settings, which has ended when this returns.</summary>
    public static async Task<Run> MeasureAsync(JobService service, int slots, IEnumerable<(string Name, string Value)> settings, CancellationToken stop)
    {
        await service.Table.RemoveAllAsync(stop);
        await SubmitLoad.SubmitAsync(service, Jobs, stop);
        await service.Table.VacuumAsync(stop);

        var before = Machine.Cpu();
        await using var worker = await ServiceProcess.StartNoopWorkerAsync(service, [("Worker__Slots", $"{slots}"), .. settings], stop);
        while (await service.Table.AnyLiveAsync(stop))
        {
            if (worker.HasEnded)
                throw new InvalidOperationException("the worker ended before its jobs");
            await Task.Delay(BetweenLooks, TimeProvider.System, stop);
        }
        var foreignCores = Machine.Cpu().ForeignCoresSince(before);
        var (done, seconds) = await service.Table.DoneAsync(stop);
        return done == Jobs
            ? new Run(slots, Jobs / seconds, worker.PeakResidentMiB, foreignCores)
            : throw new InvalidOperationException($"{done} of {Jobs} jobs have their result");
    }

    public sealed record Run(int Slots, double PerSecond, double PeakMiB, double ForeignCores);
}

namespace AspireJobs.Benchmarks;

/// <summary>How fast the API accepts jobs, and how much memory that takes.</summary>
static class SubmitBenchmark
{
    const int Rounds = 3;

    // The last one is this process with its children that have ended: what reads the log lines, the collector, the load generator.
    static readonly string[] Processes = ["Api", "postgres", "redis-server", "Benchmarks"];
    static readonly int[] Connections = [1, 16, 64];
    static readonly TimeSpan WarmUp = TimeSpan.FromSeconds(25);
    static readonly TimeSpan Length = TimeSpan.FromSeconds(3);
    static readonly TimeSpan Settling = TimeSpan.FromSeconds(2);

    public static async Task RunAsync(CancellationToken stop)
    {
        await using var service = await JobService.StartAsync(workers: false, stop);
        await Task.Delay(Settling, TimeProvider.System, stop);
        Figure.Print("api_rss_idle", "MiB", Machine.ResidentMiB("Api"));

        await SubmitLoad.RunAsync(service, 64, WarmUp, stop);
        await service.Table.ReuseLogAsync(stop);
        var runs = new List<Run>();
        for (var round = 0; round < Rounds; round++)
            foreach (var connections in Connections)
                runs.Add(await MeasureAsync(service, connections, stop));
        var memory = Machine.ResidentMiB("Api");

        foreach (var same in runs.GroupBy(run => run.Connections))
        {
            (string, object)[] conditions =
            [
                ("connections", same.Key),
                ("foreign_cores", same.Max(run => run.After.ForeignCoresSince(run.Before))),
            ];
            Figure.Print("submit_rps", "req/s", same.Select(run => run.Load.PerSecond), conditions);
            Figure.Print("submit_p50_ms", "ms", same.Select(run => run.Load.P50 / 1e3), conditions);
            Figure.Print("submit_p99_ms", "ms", same.Select(run => run.Load.P99 / 1e3), conditions);
            foreach (var process in Processes.Where(same.First().After.Ours.ContainsKey))
                Figure.Print("submit_cpu_us", "us/req", same.Select(run => run.CpuMicroseconds(process)), [("process", process), .. conditions]);
        }
        Figure.Print("api_rss_load", "MiB", memory, ("jobs", await service.Table.CountAsync(stop)));
    }

    static async Task<Run> MeasureAsync(JobService service, int connections, CancellationToken stop)
    {
        var before = Machine.Cpu();
        var load = await SubmitLoad.RunAsync(service, connections, Length, stop);
        return new Run(connections, load, before, Machine.Cpu());
    }

    sealed record Run(int Connections, LoadResult Load, CpuTime Before, CpuTime After)
    {
        public double CpuMicroseconds(string process) => After.SecondsSince(Before, process) * 1e6 / Load.Requests;
    }
}

using System.Diagnostics;

namespace AspireJobs.Benchmarks;

/// <summary>How long a new API process takes until it has accepted a job.</summary>
static class StartBenchmark
{
    const int Rounds = 7;

    public static async Task RunAsync(CancellationToken stop)
    {
        await using var service = await JobService.StartAsync(workers: false, stop);
        var before = Machine.Cpu();
        var milliseconds = new List<double>();
        while (milliseconds.Count < Rounds)
            milliseconds.Add(await MeasureAsync(service, stop));
        Figure.Print("api_start_ms", "ms", milliseconds, ("foreign_cores", Machine.Cpu().ForeignCoresSince(before)));
    }

    static async Task<double> MeasureAsync(JobService service, CancellationToken stop)
    {
        var (api, _) = await ServiceProcess.StartApiAsync(service, [], stop);
        await using (api)
            return Stopwatch.GetElapsedTime(api.StartedAt).TotalMilliseconds;
    }
}

using System.Diagnostics;
using System.Text.Json;

namespace AspireJobs.Benchmarks;

/// <summary>How soon a worker starts a job when nothing else goes on.</summary>
static class PickupBenchmark
{
    const int WarmUps = 100;
    const int Jobs = 200;

    static readonly TimeSpan Budget = TimeSpan.FromSeconds(30);

    // Its playbook is missing, so it ends as soon as it has started: ansible-playbook's own second would only stand between two jobs.
    static readonly object Request = new { source = new { type = "local" }, playbook = "missing.yml" };

    public static async Task RunAsync(CancellationToken stop)
    {
        await using var service = await JobService.StartAsync(workers: true, stop);
        var started = service.Watch("worker", "job_started");
        for (var i = 0; i < WarmUps; i++)
            await MeasureAsync();

        var (begin, before) = (Stopwatch.GetTimestamp(), Machine.Cpu());
        var milliseconds = new List<double>();
        while (milliseconds.Count < Jobs && Stopwatch.GetElapsedTime(begin) < Budget)
            milliseconds.Add(await MeasureAsync());
        Figure.Print("pickup_ms", "ms", milliseconds, ("foreign_cores", Machine.Cpu().ForeignCoresSince(before)));

        async Task<double> MeasureAsync()
        {
            var sent = Stopwatch.GetTimestamp();
            var (job, _) = await service.RunAsync(Request, stop);
            var line = await started.ReadAsync(stop);
            return IsOf(line, job)
                ? Stopwatch.GetElapsedTime(sent, line.At).TotalMilliseconds
                : throw new InvalidOperationException($"not the start of the only job: {line.Text}");
        }
    }

    static bool IsOf(ArrivedLine line, JsonElement job) => line.Text.Contains(job.GetProperty("id").GetString()!, StringComparison.Ordinal);
}

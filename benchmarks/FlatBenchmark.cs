using System.Diagnostics;

namespace AspireJobs.Benchmarks;

/// <summary>That pages of long lists cost no more than those of short ones.</summary>
static class FlatBenchmark
{
    const int Rows = 1_000_000;
    const int WarmUps = 50;
    const int Requests = 200;

    public static async Task RunAsync(CancellationToken stop)
    {
        await using var service = await JobService.StartAsync(workers: false, stop);
        var (middle, old, job) = await service.Table.FillAsync(Rows, stop);
        await service.Table.VacuumAsync(stop);

        foreach (var (position, id) in new[] { ("first", null), ("middle", middle), ("last", old) })
            await MeasureAsync("list_page_ms", $"{service.Jobs}?limit=100{(id is null ? "" : $"&before={id}")}", ("jobs", Rows), ("position", position));
        await MeasureAsync("list_page_ms", $"{service.Jobs}?limit=100&status=failed", ("jobs", Rows), ("position", "first"), ("status", "failed"));
        foreach (var (position, after) in new[] { ("first", 0), ("middle", Rows / 2), ("last", Rows - 100) })
            await MeasureAsync("events_page_ms", $"{service.Jobs}/{job}/events?limit=100&after={after}", ("events", Rows), ("position", position));

        async Task MeasureAsync(string name, string uri, params (string, object)[] conditions)
        {
            for (var i = 0; i < WarmUps; i++)
                await GetAsync(service, uri, stop);
            var before = Machine.Cpu();
            var milliseconds = new List<double>();
            while (milliseconds.Count < Requests)
                milliseconds.Add(await GetAsync(service, uri, stop));
            Figure.Print(name, "ms", milliseconds, [.. conditions, ("foreign_cores", Machine.Cpu().ForeignCoresSince(before))]);
        }
    }

    static async Task<double> GetAsync(JobService service, string uri, CancellationToken stop)
    {
        var start = Stopwatch.GetTimestamp();
        var page = await service.PageAsync(uri, stop);
        var elapsed = Stopwatch.GetElapsedTime(start).TotalMilliseconds;
        return page == 100 ? elapsed : throw new InvalidOperationException($"{page} entries instead of 100: {uri}");
    }
}

using System.Diagnostics;
using System.Net.Sockets;

namespace AspireJobs.Benchmarks;

/// <summary>How long a new API process takes until it has accepted a job.</summary>
static class StartBenchmark
{
    const int Rounds = 7;

    static readonly TimeSpan BetweenTries = TimeSpan.FromMilliseconds(3);

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
        var address = new Uri($"http://127.0.0.1:{JobService.FreePort()}");
        await using var api = await ServiceProcess.StartAsync(service, service.ApiProgram, [("ASPNETCORE_URLS", address.ToString())], stop);
        while (true)
        {
            try
            {
                await SubmitLoad.SubmitAsync(new Uri(address, JobService.JobsPath), stop);
                return Stopwatch.GetElapsedTime(api.StartedAt).TotalMilliseconds;
            }
            catch (SocketException) when (!api.HasEnded)
            {
                // It does not listen yet.
                await Task.Delay(BetweenTries, TimeProvider.System, stop);
            }
        }
    }
}

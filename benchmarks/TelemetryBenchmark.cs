using System.Globalization;
using System.Net.Http.Json;
using System.Text.Json;

namespace AspireJobs.Benchmarks;

/// <summary>
/// What logs, metrics and traces cost: two whole systems side by side, one with all three on and exported to a collector that answers, one with all
/// three off, loaded in turn.
/// </summary>
static class TelemetryBenchmark
{
    const int Rounds = 8;
    const int Burst = 1000;
    const int WarmUps = 3;

    // The last one is this process with its children that have ended: what reads the log lines, the collector, the load generator.
    static readonly string[] Processes = ["Api", "postgres", "redis-server", "Benchmarks"];
    static readonly int[] Connections = [16, 64];
    static readonly TimeSpan WarmUp = TimeSpan.FromSeconds(12);
    static readonly TimeSpan Length = TimeSpan.FromSeconds(2);

    static Dictionary<string, string> On(OtlpSink sink) => new(sink.Settings) { ["Worker__LocalSourceRoot"] = "" };

    static Dictionary<string, string> Off { get; } = new() { ["OTEL_SDK_DISABLED"] = "true", ["Logging__LogLevel__Default"] = "None", ["Worker__LocalSourceRoot"] = "" };

    /// <summary>Accepted jobs a second.</summary>
    public static Task SubmitAsync(CancellationToken stop) => WithBothAsync(workers: false, async (on, off) =>
    {
        foreach (var service in new[] { on, off })
            await SubmitLoad.RunAsync(service, 64, WarmUp, stop);
        foreach (var connections in Connections)
        {
            var cpu = new Dictionary<(JobService, string), List<double>>();
            await CompareAsync("telemetry_submit", "req/s", on, off, service => LoadAsync(service, connections, cpu), ("connections", connections));
            foreach (var ((service, process), microseconds) in cpu)
                Figure.Print("telemetry_submit_cpu_us", "us/req", microseconds, ("telemetry", service == on ? "on" : "off"), ("process", process), ("connections", connections));
        }

        // What the system that is not under load takes meanwhile is in it; that is little, and the same for both.
        async Task<double> LoadAsync(JobService service, int connections, Dictionary<(JobService, string), List<double>> cpu)
        {
            var before = Machine.Cpu();
            var load = await SubmitLoad.RunAsync(service, connections, Length, stop);
            var after = Machine.Cpu();
            foreach (var process in Processes)
            {
                if (!cpu.TryGetValue((service, process), out var values))
                    cpu[(service, process)] = values = [];
                values.Add(after.SecondsSince(before, process) * 1e6 / load.Requests);
            }
            return load.PerSecond;
        }
    }, stop);

    /// <summary>Jobs a second from the first of a burst that is stored to the last that is final.</summary>
    public static Task DrainAsync(CancellationToken stop) => WithBothAsync(workers: true, async (on, off) =>
    {
        for (var i = 0; i < WarmUps; i++)
            foreach (var service in new[] { on, off })
                await service.DrainAsync(Burst, stop);
        await CompareAsync("telemetry_drain", "jobs/s", on, off, service => service.DrainAsync(Burst, stop), ("jobs", Burst));
    }, stop);

    static async Task WithBothAsync(bool workers, Func<JobService, JobService, Task> measure, CancellationToken stop)
    {
        await using var sink = await OtlpSink.StartAsync(stop);
        await using var on = await JobService.StartAsync(workers, stop, On(sink));
        await using var off = await JobService.StartAsync(workers, stop, Off);
        await measure(on, off);
        foreach (var signal in new[] { "traces", "metrics", "logs" })
            Figure.Print("telemetry_exported", "bytes", [sink.Bytes(signal)], ("signal", signal), ("workers", workers));
        Figure.Print("telemetry_lost", "spans and log records", [await LostAsync(on, stop)], ("workers", workers));
    }

    // By each process's own count.
    static async Task<double> LostAsync(JobService service, CancellationToken stop)
    {
        var lost = 0.0;
        foreach (var group in (await service.Client.GetFromJsonAsync<JsonElement>("/metrics/targets", stop)).EnumerateArray())
            foreach (var target in group.GetProperty("targets").EnumerateArray())
                lost += (await service.Client.GetStringAsync($"http://{target}/metrics", stop)).Split('\n')
                    .Where(line => line.StartsWith("otel_sdk_processor_", StringComparison.Ordinal) && line.Contains("error_type=\"queue_full\"", StringComparison.Ordinal))
                    .Sum(line => double.Parse(line.AsSpan(line.LastIndexOf(' ') + 1), CultureInfo.InvariantCulture));
        return lost;
    }

    // Each goes first every other time, so that neither gains by its place.
    static async Task CompareAsync(string name, string unit, JobService on, JobService off, Func<JobService, Task<double>> measure, (string, object) condition)
    {
        var before = Machine.Cpu();
        var (withAll, without) = (new List<double>(), new List<double>());
        for (var round = 0; round < Rounds; round++)
        {
            if (round % 2 == 0)
                without.Add(await measure(off));
            withAll.Add(await measure(on));
            if (round % 2 == 1)
                without.Add(await measure(off));
        }
        (string, object)[] conditions = [condition, ("foreign_cores", Machine.Cpu().ForeignCoresSince(before))];
        Figure.Print(name, unit, withAll, [("telemetry", "on"), .. conditions]);
        Figure.Print(name, unit, without, [("telemetry", "off"), .. conditions]);
        Figure.Print($"{name}_share", "on/off", withAll.Zip(without, (one, other) => one / other), conditions);
    }
}

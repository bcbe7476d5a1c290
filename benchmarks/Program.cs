using AspireJobs.Benchmarks;
using AspireJobs.Benchmarks.Profile;

var measurements = new Dictionary<string, Func<CancellationToken, Task>>
{
    ["submit"] = SubmitBenchmark.RunAsync,
    ["pickup"] = PickupBenchmark.RunAsync,
    ["drain"] = DrainBenchmark.RunAsync,
    ["playbook"] = PlaybookBenchmark.RunAsync,
    ["start"] = StartBenchmark.RunAsync,
    ["flat"] = FlatBenchmark.RunAsync,
    ["telemetry-submit"] = TelemetryBenchmark.SubmitAsync,
    ["telemetry-drain"] = TelemetryBenchmark.DrainAsync,
    ["dashboard"] = DashboardBenchmark.RunAsync,
};

// Measures nothing, and writes a file of the sources: only when asked for.
if (args is ["profile"])
    measurements = new() { ["profile"] = ProfileRecording.RunAsync };

if (args.Except(measurements.Keys).FirstOrDefault() is { } unknown)
{
    await Console.Error.WriteLineAsync($"'{unknown}' is not known. Usage: dotnet run -c Release --project benchmarks [profile | {string.Join(" | ", measurements.Keys)}]...");
    return 2;
}

// Each measurement bounds itself; this is for one in which something hangs.
var longest = TimeSpan.FromMinutes(4);
foreach (var (name, measure) in measurements.Where(measurement => args.Length == 0 || args.Contains(measurement.Key)))
{
    using var limit = new CancellationTokenSource(longest);
    try
    {
        await measure(limit.Token);
    }
    catch (OperationCanceledException) when (limit.IsCancellationRequested)
    {
        await Console.Error.WriteLineAsync($"{name} is not done after {longest.TotalMinutes} minutes: something hangs, or the machine is too busy to measure on.");
        return 1;
    }
}
return 0;

using AspireJobs.Benchmarks;

var measurements = new Dictionary<string, Func<CancellationToken, Task>>
{
    ["submit"] = SubmitBenchmark.RunAsync,
    ["pickup"] = PickupBenchmark.RunAsync,
    ["playbook"] = PlaybookBenchmark.RunAsync,
};

if (args.Except(measurements.Keys).FirstOrDefault() is { } unknown)
{
    await Console.Error.WriteLineAsync($"'{unknown}' is not known. Usage: dotnet run -c Release --project benchmarks [{string.Join(" | ", measurements.Keys)}]...");
    return 2;
}

// Every measurement bounds itself; this ends a run in which something hangs.
using var limit = new CancellationTokenSource(TimeSpan.FromMinutes(4));
foreach (var (name, measure) in measurements)
    if (args.Length == 0 || args.Contains(name))
        await measure(limit.Token);
return 0;

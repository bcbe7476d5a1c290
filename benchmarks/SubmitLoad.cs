using System.Diagnostics;
using System.Net.Sockets;
using System.Text.Json;

namespace AspireJobs.Benchmarks;

/// <summary>What a load came to.</summary>
/// <param name="Requests">Requests that were answered.</param>
/// <param name="Microseconds">How long that took.</param>
/// <param name="P50">Microseconds within which half of them were answered.</param>
/// <param name="P99">Microseconds within which 99 of a hundred were.</param>
/// <param name="Errors">Requests that were refused or lost.</param>
sealed record LoadResult(long Requests, long Microseconds, double P50, double P99, long Errors)
{
    /// <summary>Accepted requests a second.</summary>
    public double PerSecond => Requests * 1e6 / Microseconds;
}

/// <summary>A closed loop: each connection sends its next job when the answer to the last one is complete.</summary>
static class SubmitLoad
{
    // Takes little of the processors that it shares with what it measures.
    const string Program = "wrk";

    const int MostConnections = 64;

    const string Body =
        """
        {"source":{"type":"inline","content":"- hosts: localhost\n  gather_facts: false\n  tasks:\n    - debug: {msg: hello}\n"},"inventory":{"hosts":["localhost"]},"extra_vars":{"release":"1.2.3"},"labels":{"team":"benchmarks"}}
        """;

    /// <summary>Submits jobs for this long over this many connections.</summary>
    /// <exception cref="InvalidOperationException">A job was refused, or the accepted ones are not those stored.</exception>
    public static Task<LoadResult> RunAsync(JobService service, int connections, TimeSpan length, CancellationToken stop) =>
        RunAsync(service, service.Jobs, connections, length, stop);

    /// <summary>The same, to an API that was started beside the system's own.</summary>
    public static async Task<LoadResult> RunAsync(JobService service, Uri jobs, int connections, TimeSpan length, CancellationToken stop)
    {
        var before = await service.Table.CountAsync(stop);
        var load = await WrkAsync(jobs, connections, length, stop);
        var stored = await service.Table.CountAsync(stop) - before;
        // At the end each connection may have one on its way, which is stored and not counted; so may those of the load before have had.
        return load.Errors == 0 && stored >= load.Requests && stored <= load.Requests + connections + MostConnections
            ? load
            : throw new InvalidOperationException($"{load.Requests} jobs were answered, {load.Errors} of them with an error, and {stored} are stored");
    }

    static async Task<LoadResult> WrkAsync(Uri jobs, int connections, TimeSpan length, CancellationToken stop)
    {
        var start = new ProcessStartInfo(Program, ["--threads", "1", "--connections", $"{connections}", "--duration", $"{length.TotalSeconds}s", "--timeout", "30s", "--script", Path.Combine(AppContext.BaseDirectory, "submit.lua"), jobs.ToString()])
        {
            RedirectStandardOutput = true,
            Environment = { ["JOB_BODY"] = Body, ["JOB_AUTHORIZATION"] = JobService.Authorization.ToString() },
        };
        using var wrk = Process.Start(start)!;
        var output = await wrk.StandardOutput.ReadToEndAsync(stop);
        await wrk.WaitForExitAsync(stop);
        return output.Split('\n').FirstOrDefault(line => line.StartsWith('{')) is { } line
            ? JsonSerializer.Deserialize<LoadResult>(line, JsonSerializerOptions.Web)!
            : throw new InvalidOperationException($"{Program} ended with {wrk.ExitCode}: {output}");
    }

    /// <summary>Submits as many jobs: not by wrk, which knows only a time.</summary>
    public static Task SubmitAsync(JobService service, int count, CancellationToken stop)
    {
        var left = count;
        return Task.WhenAll(Enumerable.Range(0, MostConnections).Select(_ => LoopAsync(service.Jobs, () => Interlocked.Decrement(ref left) >= 0, stop)));
    }

    /// <summary>Submits one job.</summary>
    /// <exception cref="SocketException">Nobody listens.</exception>
    public static Task SubmitAsync(Uri jobs, CancellationToken stop)
    {
        var left = 1;
        return LoopAsync(jobs, () => left-- > 0, stop);
    }

    static async Task LoopAsync(Uri jobs, Func<bool> more, CancellationToken stop)
    {
        using var connection = await SubmitConnection.OpenAsync(jobs, stop);
        var request = connection.Request(Body);
        while (more())
            await connection.SubmitAsync(request, stop);
    }
}

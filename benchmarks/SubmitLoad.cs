using System.Diagnostics;
using System.Net;
using System.Net.Http.Headers;

namespace AspireJobs.Benchmarks;

/// <summary>What a load came to.</summary>
/// <param name="PerSecond">Accepted requests a second.</param>
/// <param name="Milliseconds">Of each request, from its sending to the end of its answer.</param>
readonly record struct LoadResult(double PerSecond, IReadOnlyList<double> Milliseconds);

/// <summary>A closed loop: each connection sends its next job when the answer to the last one is complete.</summary>
static class SubmitLoad
{
    static readonly byte[] Body =
        """
        {"source":{"type":"inline","content":"- hosts: localhost\n  gather_facts: false\n  tasks:\n    - debug: {msg: hello}\n"},"inventory":{"hosts":["localhost"]},"extra_vars":{"release":"1.2.3"},"labels":{"team":"benchmarks"}}
        """u8.ToArray();

    /// <summary>Submits jobs for this long over this many connections.</summary>
    /// <exception cref="InvalidOperationException">A job was refused, or the accepted ones are not those stored.</exception>
    public static async Task<LoadResult> RunAsync(JobService service, int connections, TimeSpan length, CancellationToken stop)
    {
        var before = await service.Table.CountAsync(stop);
        using var handler = Handler(connections);
        using var client = new HttpMessageInvoker(handler);

        var start = Stopwatch.GetTimestamp();
        var perConnection = await Task.WhenAll(Enumerable.Range(0, connections).Select(_ => LoopAsync(client, service.Jobs, start, length, stop)));
        var elapsed = Stopwatch.GetElapsedTime(start);

        List<double> milliseconds = [.. perConnection.SelectMany(times => times)];
        var stored = await service.Table.CountAsync(stop) - before;
        return stored == milliseconds.Count
            ? new LoadResult(milliseconds.Count / elapsed.TotalSeconds, milliseconds)
            : throw new InvalidOperationException($"{milliseconds.Count} jobs were accepted and {stored} are stored");
    }

    static async Task<List<double>> LoopAsync(HttpMessageInvoker client, Uri jobs, long start, TimeSpan length, CancellationToken stop)
    {
        var times = new List<double>();
        while (Stopwatch.GetElapsedTime(start) < length)
        {
            var sent = Stopwatch.GetTimestamp();
            await SubmitAsync(client, jobs, stop);
            times.Add(Stopwatch.GetElapsedTime(sent).TotalMilliseconds);
        }
        return times;
    }

    /// <summary>Submits as many jobs.</summary>
    public static async Task SubmitAsync(JobService service, int count, CancellationToken stop)
    {
        using var handler = Handler(connections: 64);
        using var client = new HttpMessageInvoker(handler);
        await Parallel.ForEachAsync(Enumerable.Range(0, count), new ParallelOptions { MaxDegreeOfParallelism = 64, CancellationToken = stop },
            async (_, token) => await SubmitAsync(client, service.Jobs, token));
    }

    static SocketsHttpHandler Handler(int connections) =>
        new() { MaxConnectionsPerServer = connections, UseCookies = false, UseProxy = false, AllowAutoRedirect = false, ActivityHeadersPropagator = null };

    /// <summary>Submits one job.</summary>
    public static async Task SubmitAsync(HttpMessageInvoker client, Uri jobs, CancellationToken stop)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, jobs) { Content = new ByteArrayContent(Body) { Headers = { ContentType = new MediaTypeHeaderValue("application/json") } } };
        request.Headers.Authorization = JobService.Authorization;
        using var response = await client.SendAsync(request, stop);
        if (response.StatusCode != HttpStatusCode.Accepted)
            throw new InvalidOperationException($"{(int)response.StatusCode}: {await response.Content.ReadAsStringAsync(stop)}");
        await response.Content.CopyToAsync(Stream.Null, stop);
    }
}

using System.Diagnostics;
using System.Globalization;
using System.Net.Sockets;
using System.Text;

namespace AspireJobs.Benchmarks;

/// <summary>What a load came to.</summary>
/// <param name="PerSecond">Accepted requests a second.</param>
/// <param name="Milliseconds">Of each request, from its sending to the end of its answer.</param>
readonly record struct LoadResult(double PerSecond, IReadOnlyList<double> Milliseconds);

/// <summary>
/// A closed loop: each connection sends its next job when the answer to the last one is complete. It speaks HTTP over sockets of its own,
/// as it shares the processors with what it measures.
/// </summary>
static class SubmitLoad
{
    const string Body =
        """
        {"source":{"type":"inline","content":"- hosts: localhost\n  gather_facts: false\n  tasks:\n    - debug: {msg: hello}\n"},"inventory":{"hosts":["localhost"]},"extra_vars":{"release":"1.2.3"},"labels":{"team":"benchmarks"}}
        """;

    /// <summary>Submits jobs for this long over this many connections.</summary>
    /// <exception cref="InvalidOperationException">A job was refused, or the accepted ones are not those stored.</exception>
    public static async Task<LoadResult> RunAsync(JobService service, int connections, TimeSpan length, CancellationToken stop)
    {
        var before = await service.Table.CountAsync(stop);
        var start = Stopwatch.GetTimestamp();
        var perConnection = await Task.WhenAll(Enumerable.Range(0, connections).Select(_ => LoopAsync(service.Jobs, () => Stopwatch.GetElapsedTime(start) < length, stop)));
        var elapsed = Stopwatch.GetElapsedTime(start);

        List<double> milliseconds = [.. perConnection.SelectMany(times => times)];
        var stored = await service.Table.CountAsync(stop) - before;
        return stored == milliseconds.Count
            ? new LoadResult(milliseconds.Count / elapsed.TotalSeconds, milliseconds)
            : throw new InvalidOperationException($"{milliseconds.Count} jobs were accepted and {stored} are stored");
    }

    /// <summary>Submits as many jobs.</summary>
    public static Task SubmitAsync(JobService service, int count, CancellationToken stop)
    {
        var left = count;
        return Task.WhenAll(Enumerable.Range(0, 64).Select(_ => LoopAsync(service.Jobs, () => Interlocked.Decrement(ref left) >= 0, stop)));
    }

    /// <summary>Submits one job.</summary>
    /// <exception cref="SocketException">Nobody listens.</exception>
    public static Task SubmitAsync(Uri jobs, CancellationToken stop)
    {
        var left = 1;
        return LoopAsync(jobs, () => left-- > 0, stop);
    }

    static async Task<List<double>> LoopAsync(Uri jobs, Func<bool> more, CancellationToken stop)
    {
        using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        await socket.ConnectAsync(jobs.Host, jobs.Port, stop);
        var request = Encoding.ASCII.GetBytes(
            $"""
            POST {jobs.AbsolutePath} HTTP/1.1
            Host: {jobs.Authority}
            Authorization: {JobService.Authorization}
            Content-Type: application/json
            Content-Length: {Body.Length.ToString(CultureInfo.InvariantCulture)}


            """.ReplaceLineEndings("\r\n") + Body);
        var answer = new byte[16 * 1024];
        var times = new List<double>();
        while (more())
        {
            var sent = Stopwatch.GetTimestamp();
            await socket.SendAsync(request, stop);
            await ReceiveAsync(socket, answer, stop);
            times.Add(Stopwatch.GetElapsedTime(sent).TotalMilliseconds);
        }
        return times;
    }

    static async Task ReceiveAsync(Socket socket, byte[] answer, CancellationToken stop)
    {
        var length = 0;
        do
        {
            if (await socket.ReceiveAsync(answer.AsMemory(length), stop) is not (> 0 and var received))
                throw new InvalidOperationException($"the answer ends early: {Encoding.UTF8.GetString(answer, 0, length)}");
            length += received;
        }
        // The end of a chunked body. Only a job's own JSON comes in chunks, and it has no line breaks in it.
        while (!answer.AsSpan(0, length).EndsWith("\r\n0\r\n\r\n"u8) && !IsRefused(answer));
        if (IsRefused(answer))
            throw new InvalidOperationException(Encoding.UTF8.GetString(answer, 0, length));
    }

    static bool IsRefused(ReadOnlySpan<byte> answer) => !answer.StartsWith("HTTP/1.1 202 "u8);
}

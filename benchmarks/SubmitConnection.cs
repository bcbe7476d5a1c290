using System.Globalization;
using System.Net.Sockets;
using System.Text;

namespace AspireJobs.Benchmarks;

/// <summary>A connection to the API that submits jobs, one after the other, and takes as little time for it as can be.</summary>
sealed class SubmitConnection : IDisposable
{
    readonly Socket _socket = new(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
    readonly byte[] _answer = new byte[16 * 1024];
    readonly Uri _jobs;

    SubmitConnection(Uri jobs) => _jobs = jobs;

    /// <exception cref="SocketException">Nobody listens.</exception>
    public static async Task<SubmitConnection> OpenAsync(Uri jobs, CancellationToken stop)
    {
        var connection = new SubmitConnection(jobs);
        try
        {
            await connection._socket.ConnectAsync(jobs.Host, jobs.Port, stop);
            return connection;
        }
        catch
        {
            connection.Dispose();
            throw;
        }
    }

    public void Dispose() => _socket.Dispose();

    /// <summary>What is sent to submit this job.</summary>
    public byte[] Request(string body) => Encoding.UTF8.GetBytes(
        $"""
        POST {_jobs.AbsolutePath} HTTP/1.1
        Host: {_jobs.Authority}
        Authorization: {JobService.Authorization}
        Content-Type: application/json
        Content-Length: {Encoding.UTF8.GetByteCount(body).ToString(CultureInfo.InvariantCulture)}


        """.ReplaceLineEndings("\r\n") + body);

    /// <summary>Returns when the job is accepted and the answer complete.</summary>
    /// <exception cref="InvalidOperationException">It is refused.</exception>
    public async Task SubmitAsync(byte[] request, CancellationToken stop)
    {
        await _socket.SendAsync(request, stop);
        var length = 0;
        do
        {
            if (await _socket.ReceiveAsync(_answer.AsMemory(length), stop) is not (> 0 and var received))
                throw new InvalidOperationException($"the answer ends early: {Text(length)}");
            length += received;
        }
        // The end of a chunked body. Only a job's own JSON comes in chunks, and it has no line breaks in it.
        while (!_answer.AsSpan(0, length).EndsWith("\r\n0\r\n\r\n"u8) && !IsRefused);
        if (IsRefused)
            throw new InvalidOperationException(Text(length));
    }

    bool IsRefused => !_answer.AsSpan().StartsWith("HTTP/1.1 202 "u8);

    string Text(int length) => Encoding.UTF8.GetString(_answer, 0, length);
}

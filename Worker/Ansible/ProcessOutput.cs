namespace AspireJobs.Worker.Ansible;

/// <summary>
/// What a process prints, up to its end: not only to the end of the pipe, which a process that it left behind, and that nobody could kill, may keep
/// open for good.
/// </summary>
/// <param name="pipe">The reading end, which closes with this.</param>
/// <param name="ended">Completes when the process has ended.</param>
internal sealed class ProcessOutput(Stream pipe, Task ended) : Stream
{
    // What was printed is in the pipe by then, so there is silence behind it, unless who is left talks on: of that no more than a pipe can hold.
    static readonly TimeSpan Silence = TimeSpan.FromSeconds(1);
    const int MostBehindTheEnd = 1 << 20;

    int _behindTheEnd;

    public override bool CanRead => true;
    public override bool CanSeek => false;
    public override bool CanWrite => false;
    public override long Length => throw new NotSupportedException();
    public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (_behindTheEnd >= MostBehindTheEnd)
            return 0;
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var read = pipe.ReadAsync(buffer, patience.Token).AsTask();
        if (!read.IsCompleted && await Task.WhenAny(read, ended) != read)
            patience.CancelAfter(Silence);
        try
        {
            var count = await read;
            if (ended.IsCompleted)
                _behindTheEnd += count;
            return count;
        }
        catch (OperationCanceledException) when (patience.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
        {
            return 0;
        }
    }

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();
    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();
    public override void SetLength(long value) => throw new NotSupportedException();
    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override void Flush()
    {
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
            pipe.Dispose();
        base.Dispose(disposing);
    }
}

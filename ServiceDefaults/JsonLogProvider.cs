using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace AspireJobs.ServiceDefaults;

/// <summary>
/// Writes log lines to a stream from a thread of its own: a line after a silence at once, those that follow within <see cref="Silence"/> together
/// with all that come within <see cref="Gathering"/>. Who logs never waits: when the reader of the stream stops reading and <see cref="MaxPendingBytes"/> wait, lines are
/// dropped and counted, as are those that the stream refuses.
/// </summary>
[ProviderAlias("Json")]
sealed class JsonLogProvider : ILoggerProvider
{
    // Some 8,000 lines: long enough for bursts.
    internal const int MaxPendingBytes = 4 << 20;

    // Enough between two writes; a buffer that a burst has made larger is let go.
    const int KeptBytes = 128 << 10;

    // Each write wakes this thread and whoever reads the stream, which at thousands of lines a second costs more than the lines.
    static readonly TimeSpan Gathering = TimeSpan.FromMilliseconds(10);
    static readonly TimeSpan Silence = TimeSpan.FromMilliseconds(1);

    // A stream that nobody reads must not keep the process from ending.
    static readonly TimeSpan LastLines = TimeSpan.FromSeconds(2);

    readonly Lock _gate = new();
    readonly AutoResetEvent _more = new(false);
    readonly ManualResetEvent _closing = new(false);
    readonly JsonLogFormatter _formatter;
    readonly Stream _output;
    readonly Thread _writer;
    MemoryStream _pending = new(KeptBytes);
    bool _closed;
    bool _torn;

    public JsonLogProvider(JsonLogFormatter formatter, Stream output)
    {
        _formatter = formatter;
        _output = output;
        _writer = new Thread(WriteLines) { IsBackground = true, Name = "log lines" };
        _writer.Start();
    }

    public ILogger CreateLogger(string categoryName) => new Logger(this, categoryName);

    /// <summary>Writes what waits and ends.</summary>
    public void Dispose()
    {
        lock (_gate)
        {
            if (_closed)
                return;
            _closed = true;
        }
        _more.Set();
        _closing.Set();
        if (!_writer.Join(LastLines))
            return;
        _more.Dispose();
        _closing.Dispose();
    }

    void Add<TState>(in LogEntry<TState> entry)
    {
        var line = _formatter.Format(entry);
        if (TryAdd(line))
            LogTelemetry.Written(entry.LogLevel);
        else
            LogTelemetry.Dropped(1);
    }

    bool TryAdd(ReadOnlySpan<byte> line)
    {
        lock (_gate)
        {
            // Closed: somebody logs after the end of the host.
            if (_closed || _pending.Length + line.Length > MaxPendingBytes)
                return false;
            var first = _pending.Length == 0;
            _pending.Write(line);
            if (first)
                _more.Set();
            return true;
        }
    }

    void WriteLines()
    {
        var lines = new MemoryStream(KeptBytes);
        var writtenAt = 0L;
        while (WaitForLines())
        {
            if (TimeProvider.System.GetElapsedTime(writtenAt) < Silence)
                _closing.WaitOne(Gathering);
            lines.SetLength(0);
            if (lines.Capacity > KeptBytes)
                lines.Capacity = KeptBytes;
            lock (_gate)
                (lines, _pending) = (_pending, lines);
            Write(lines.GetBuffer().AsSpan(0, (int)lines.Length));
            writtenAt = TimeProvider.System.GetTimestamp();
        }
        _output.Flush();
    }

    // A full disk, for one, costs the lines, not the process.
    void Write(ReadOnlySpan<byte> lines)
    {
        try
        {
            // Half a line may stand there.
            if (_torn)
                _output.Write("\n"u8);
            _output.Write(lines);
            _torn = false;
        }
        catch (IOException)
        {
            _torn = true;
            LogTelemetry.Dropped(lines.Count((byte)'\n'));
        }
    }

    // False when closed and nothing is left.
    bool WaitForLines()
    {
        while (true)
        {
            lock (_gate)
                if (_closed || _pending.Length > 0)
                    return _pending.Length > 0;
            _more.WaitOne();
        }
    }

    sealed class Logger(JsonLogProvider provider, string category) : ILogger
    {
        public bool IsEnabled(LogLevel logLevel) => logLevel != LogLevel.None;

        public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            provider.Add(new LogEntry<TState>(logLevel, category, eventId, state, exception, formatter));
    }
}

using System.Buffers;
using System.IO.Pipelines;
using System.Text;
using System.Text.Json;

namespace AspireJobs.Worker.Ansible;

/// <summary>Reads the event stream of a run and checks that nothing of it is missing.</summary>
internal sealed class EventStream(Redactor redactor)
{
    /// <summary>The plugin limits results, but the final report has every host: some 110 bytes and its name.</summary>
    const int LongestLine = 64 * 1024 * 1024;

    // As much as a pipe holds: each read searches what there is of a line again.
    const int ReadSize = 64 * 1024;

    int _seq;

    /// <summary>What is wrong with the stream; null if it is whole so far.</summary>
    public string? Fault { get; private set; }

    /// <summary>The last line that was no event.</summary>
    public string? Stray { get; private set; }

    /// <summary>How the command ended; null until the supervisor has said so.</summary>
    public CommandEnd? End { get; private set; }

    /// <summary>Reads to the end and hands out each event.</summary>
    public async Task ReadAsync(Stream stream, Func<PlaybookEvent, ValueTask> handle)
    {
        var reader = PipeReader.Create(stream, new StreamPipeReaderOptions(bufferSize: ReadSize));
        while (true)
        {
            var read = await reader.ReadAsync();
            var rest = read.Buffer;
            while (rest.PositionOf((byte)'\n') is { } end)
            {
                if (Parse(rest.Slice(0, end)) is { } item)
                    await handle(item);
                rest = rest.Slice(rest.GetPosition(1, end));
            }
            if (rest.Length > LongestLine)
            {
                Fault ??= "a line of the event stream is too long";
                rest = rest.Slice(rest.End);
            }
            reader.AdvanceTo(rest.Start, rest.End);
            if (read.IsCompleted)
                return;
        }
    }

    PlaybookEvent? Parse(ReadOnlySequence<byte> sequence)
    {
        var line = sequence.IsSingleSegment ? sequence.First : sequence.ToArray();
        if (line.IsEmpty)
            return null;
        try
        {
            if (CommandEnd.TryParse(line, out var end))
            {
                End = end;
                return null;
            }
            var item = PlaybookEvent.Parse(line, redactor);
            if (item.Seq != ++_seq)
                Fault ??= $"event {_seq} is missing";
            return item;
        }
        catch (JsonException)
        {
            // An error of the supervisor itself ends up here too, and its last line says what it was.
            Stray = redactor.Redact(LogText.MakeHarmless(Encoding.UTF8.GetString(line.Span[..Math.Min(line.Length, 300)])));
            Fault ??= "the event stream has a line that is no event";
            return null;
        }
    }
}

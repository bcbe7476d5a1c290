using System.Globalization;
using System.Text.Json.Nodes;
using System.Threading.Channels;

namespace Aspire.Dashboard.Resources;

/// <param name="Time">Milliseconds since 1970.</param>
sealed record ConsoleLine(string Resource, int Line, double Time, string Text, bool Error)
{
    /// <summary>The app host sends <c>2026-11-24T22:00:00.0000000Z text</c>.</summary>
    public static ConsoleLine Of(JsonObject json)
    {
        var content = (string)json["content"]!;
        var blank = content.IndexOf(' ', StringComparison.Ordinal);
        var time = DateTimeOffset.Parse(content.AsSpan(0, blank), CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal);
        return new((string)json["resource"]!, (int)json["line"]!, (time - DateTimeOffset.UnixEpoch).TotalMilliseconds, content[(blank + 1)..], (bool)json["error"]!);
    }
}

/// <summary>The output of several resources as one.</summary>
sealed class ConsoleStream(ResourceServiceClient client)
{
    /// <summary>What there is, in the order in which it was written.</summary>
    public async Task<List<ConsoleLine>> SnapshotAsync(IReadOnlyCollection<string> ids, CancellationToken cancellationToken)
    {
        var all = await Task.WhenAll(ids.Select(id => ReadAsync(id, cancellationToken)));
        return [.. all.SelectMany(lines => lines).OrderBy(line => line.Time)];
    }

    /// <summary>What comes after the snapshot, until everybody has ended.</summary>
    public ChannelReader<ConsoleLine> Follow(IReadOnlyCollection<string> ids, List<ConsoleLine> snapshot, CancellationToken cancellationToken)
    {
        var channel = Channel.CreateBounded<ConsoleLine>(new BoundedChannelOptions(1_000) { FullMode = BoundedChannelFullMode.Wait });
        var known = snapshot.GroupBy(line => line.Resource).ToDictionary(lines => lines.Key, lines => lines.Max(line => line.Line));
        var copies = ids.Select(id => CopyAsync(id, known.GetValueOrDefault(id), channel.Writer, cancellationToken));
        _ = Task.WhenAll(copies).ContinueWith(done => channel.Writer.TryComplete(done.Exception), TaskScheduler.Default);
        return channel.Reader;
    }

    async Task<List<ConsoleLine>> ReadAsync(string id, CancellationToken cancellationToken)
    {
        var lines = new List<ConsoleLine>();
        await foreach (var line in client.ConsoleAsync(id, follow: false, cancellationToken))
            lines.Add(ConsoleLine.Of(line));
        return lines;
    }

    async Task CopyAsync(string id, int last, ChannelWriter<ConsoleLine> writer, CancellationToken cancellationToken)
    {
        await foreach (var json in client.ConsoleAsync(id, follow: true, cancellationToken))
        {
            if (ConsoleLine.Of(json) is var line && line.Line > last)
                await writer.WriteAsync(line, cancellationToken);
        }
    }
}

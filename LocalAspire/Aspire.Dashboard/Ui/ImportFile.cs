using System.IO.Compression;
using System.Text;
using System.Text.Json;
using Aspire.Dashboard.Otlp;

namespace Aspire.Dashboard.Ui;

/// <summary>What may be imported: OTLP JSON, an answer of <c>/api/telemetry</c>, or a zip of such files, which Aspire's dashboard exports.</summary>
static class ImportFile
{
    /// <summary>Its OTLP documents; <paramref name="limit"/> holds for all of them together.</summary>
    /// <exception cref="OtlpFormatException"/>
    /// <exception cref="OtlpTooLargeException"/>
    public static async Task<List<OtlpDocuments>> ReadAsync(ReadOnlyMemory<byte> file, int limit, CancellationToken cancellationToken)
    {
        if (!file.Span.StartsWith("PK\u0003\u0004"u8))
            return [OtlpDocuments.Of(file)];

        var all = new List<OtlpDocuments>();
        try
        {
            using var zip = new ZipArchive(new MemoryStream(file.ToArray()));
            foreach (var entry in zip.Entries.Where(entry => entry.Name.EndsWith(".json", StringComparison.OrdinalIgnoreCase)))
            {
                await using var content = await entry.OpenAsync(cancellationToken);
                using var body = await OtlpBody.ReadAsync(content, null, limit, cancellationToken);
                limit -= body.Bytes.Length;
                all.Add(OtlpDocuments.Of(body.Bytes));
            }
        }
        catch (InvalidDataException e)
        {
            throw new OtlpFormatException($"The file is no zip: {e.Message}", e);
        }
        return all.Count > 0 ? all : throw new OtlpFormatException("The zip has no .json file.");
    }
}

sealed record OtlpDocuments(TracesData Traces, LogsData Logs, MetricsData Metrics)
{
    public static OtlpDocuments Of(ReadOnlyMemory<byte> utf8)
    {
        utf8 = Unwrap(utf8);
        var documents = new OtlpDocuments(OtlpJson.Read<TracesData>(utf8), OtlpJson.Read<LogsData>(utf8), OtlpJson.Read<MetricsData>(utf8));
        return documents.Traces.ResourceSpans.Count + documents.Logs.ResourceLogs.Count + documents.Metrics.ResourceMetrics.Count > 0
            ? documents
            : throw new OtlpFormatException("The file has neither resourceSpans nor resourceLogs nor resourceMetrics: it is not OTLP JSON.");
    }

    /// <summary>The API has the document in a property.</summary>
    static ReadOnlyMemory<byte> Unwrap(ReadOnlyMemory<byte> utf8)
    {
        try
        {
            using var document = JsonDocument.Parse(utf8);
            return document.RootElement is { ValueKind: JsonValueKind.Object } root && root.TryGetProperty("data", out var data) ? Encoding.UTF8.GetBytes(data.GetRawText()) : utf8;
        }
        catch (JsonException e)
        {
            throw new OtlpFormatException($"The file is not JSON: {e.Message}", e);
        }
    }
}

using Aspire.Dashboard.Store;
using Google.Protobuf;

namespace Aspire.Dashboard.Otlp;

/// <summary>The three kinds of telemetry: how a request is decoded and where it goes.</summary>
sealed class OtlpSignals(TraceStore traces, LogStore logs, MetricStore metrics)
{
    /// <param name="signal"><c>traces</c>, <c>logs</c> or <c>metrics</c>.</param>
    /// <exception cref="OtlpFormatException">It is not OTLP.</exception>
    public IngestResult Add(string signal, ReadOnlyMemory<byte> body, bool isJson) => signal switch
    {
        "traces" => traces.Add(Decode(TracesData.Parser, body, isJson)),
        "logs" => logs.Add(Decode(LogsData.Parser, body, isJson)),
        _ => metrics.Add(Decode(MetricsData.Parser, body, isJson)),
    };

    public IngestResult Add(TracesData data) => traces.Add(data);

    public IngestResult Add(LogsData data) => logs.Add(data);

    public IngestResult Add(MetricsData data) => metrics.Add(data);

    static T Decode<T>(MessageParser<T> parser, ReadOnlyMemory<byte> body, bool isJson)
        where T : IMessage<T>, new()
    {
        if (isJson)
            return OtlpJson.Read<T>(body);
        try
        {
            return parser.ParseFrom(body.Span);
        }
        catch (InvalidProtocolBufferException e)
        {
            throw new OtlpFormatException($"The message is not OTLP in Protobuf: {e.Message}", e);
        }
    }
}

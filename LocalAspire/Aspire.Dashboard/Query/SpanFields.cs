using System.Globalization;
using Aspire.Dashboard.Otlp;
using Aspire.Dashboard.Store;

namespace Aspire.Dashboard.Query;

/// <summary>What filters and pages know of a span by name.</summary>
static class SpanFields
{
    public static readonly IReadOnlyList<string> Known = ["name", "kind", "status", "duration", "resource", "scope"];

    /// <returns>Null when the span has no such field.</returns>
    public static string? Get(StoredSpan span, Span message, string field) => field switch
    {
        "name" => span.Name,
        "kind" => Kind(span),
        "status" => Status(message),
        "duration" => Times.Milliseconds(span.End - span.Start).ToString(CultureInfo.InvariantCulture),
        "resource" => span.Resource.Name,
        "scope" => span.Scope.Name,
        _ => Find(message, field) is { } value ? AttributeText.Of(value) : null,
    };

    public static string Kind(StoredSpan span) => ((Span.Types.SpanKind)span.Kind).ToString();

    public static string Status(Span message) => (message.Status?.Code ?? Otlp.Status.Types.StatusCode.Unset).ToString();

    /// <summary>What the span is about, by the attributes that OpenTelemetry prescribes.</summary>
    public static string Type(Span message)
    {
        foreach (var attribute in message.Attributes)
        {
            var type = attribute.Key switch
            {
                "http.request.method" or "http.method" => "http",
                "db.system" or "db.system.name" => "database",
                "messaging.system" => "messaging",
                "rpc.system" or "rpc.system.name" => "rpc",
                _ => null,
            };
            if (type is not null)
                return type;
        }
        return "other";
    }

    /// <summary>The other side of an outgoing span: a name, or an address with its port.</summary>
    public static string? Peer(StoredSpan span, Span message)
    {
        if (span.Kind is not ((byte)Span.Types.SpanKind.Client or (byte)Span.Types.SpanKind.Producer))
            return null;
        if (Find(message, "peer.service") is { } service)
            return AttributeText.Of(service);
        var host = Find(message, "server.address") ?? Find(message, "net.peer.name");
        var port = Find(message, "server.port") ?? Find(message, "net.peer.port");
        if (host is null)
            return (Find(message, "db.system.name") ?? Find(message, "db.system") ?? Find(message, "messaging.system")) is { } system ? AttributeText.Of(system) : null;
        return port is null ? AttributeText.Of(host) : $"{AttributeText.Of(host)}:{AttributeText.Of(port)}";
    }

    static AnyValue? Find(Span message, string key)
    {
        foreach (var attribute in message.Attributes)
        {
            if (attribute.Key == key)
                return attribute.Value;
        }
        return null;
    }
}

using System.Text.Json;
using Aspire.Dashboard.Otlp;
using Aspire.Dashboard.Store;
using Google.Protobuf;

namespace Aspire.Dashboard.Api;

/// <summary>Spans and log records as OTLP JSON, grouped by resource and scope.</summary>
static class OtlpDocument
{
    /// <summary>Writes the property <c>resourceSpans</c>.</summary>
    public static void WriteSpans(Utf8JsonWriter json, IEnumerable<StoredSpan> spans) =>
        Write(json, "resourceSpans", "scopeSpans", "spans", spans, span => span.Scope, span => span.Message);

    /// <summary>Writes the property <c>resourceLogs</c>.</summary>
    public static void WriteLogs(Utf8JsonWriter json, IEnumerable<StoredLog> logs) =>
        Write(json, "resourceLogs", "scopeLogs", "logRecords", logs, log => log.Scope, log => log.Message);

    static void Write<T>(
        Utf8JsonWriter json, string resourcesName, string scopesName, string itemsName, IEnumerable<T> items, Func<T, TelemetryScope> scope, Func<T, IMessage> message)
    {
        json.WriteStartArray(resourcesName);
        foreach (var ofResource in items.GroupBy(item => scope(item).Resource))
        {
            json.WriteStartObject();
            json.WritePropertyName("resource");
            OtlpJson.Write(json, ofResource.Key.Message);
            json.WriteStartArray(scopesName);
            foreach (var ofScope in ofResource.GroupBy(scope))
            {
                json.WriteStartObject();
                json.WritePropertyName("scope");
                OtlpJson.Write(json, ofScope.Key.Message);
                json.WriteStartArray(itemsName);
                foreach (var item in ofScope)
                    OtlpJson.Write(json, message(item));
                json.WriteEndArray();
                json.WriteEndObject();
            }
            json.WriteEndArray();
            json.WriteEndObject();
        }
        json.WriteEndArray();
    }
}

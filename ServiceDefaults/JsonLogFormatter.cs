using System.Buffers;
using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Logging.Console;

namespace AspireJobs.ServiceDefaults;

/// <summary>
/// Writes a log entry as one line of JSON: timestamp, level and event, the fields of the event, then message, logger, service, instance,
/// trace_id, span_id and the exception. The event is the name of the event id in snake_case, or "log" where it has none.
/// </summary>
sealed class JsonLogFormatter(ServiceIdentity identity) : ConsoleFormatter(FormatterName)
{
    public const string FormatterName = "aspirejobs-json";

    // Log stores refuse lines of some 256 KiB; message and stack trace of one exception stay well below.
    const int MaxTextLength = 32 * 1024;

    // The text is read by machines, never placed in HTML: quotes and non-ASCII may stay readable. Control characters are still escaped.
    static readonly JsonWriterOptions Options = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, SkipValidation = true };
    static readonly ConcurrentDictionary<string, string> EventNames = new(StringComparer.Ordinal);
    static readonly HashSet<string> FixedKeys = new(StringComparer.Ordinal)
    {
        "timestamp", "level", "event", "message", "logger", "service", "instance", "trace_id", "span_id",
        "exception.type", "exception.message", "exception.stacktrace",
    };

    [ThreadStatic]
    static ArrayBufferWriter<byte>? buffer;

    [ThreadStatic]
    static Utf8JsonWriter? writer;

    public override void Write<TState>(in LogEntry<TState> logEntry, IExternalScopeProvider? scopeProvider, TextWriter textWriter)
    {
        buffer ??= new ArrayBufferWriter<byte>(1024);
        writer ??= new Utf8JsonWriter(buffer, Options);
        buffer.ResetWrittenCount();
        writer.Reset();

        WriteEntry(writer, logEntry);
        writer.Flush();

        var chars = ArrayPool<char>.Shared.Rent(buffer.WrittenCount);
        textWriter.Write(chars.AsSpan(0, Encoding.UTF8.GetChars(buffer.WrittenSpan, chars)));
        textWriter.Write('\n');
        ArrayPool<char>.Shared.Return(chars);
    }

    void WriteEntry<TState>(Utf8JsonWriter json, in LogEntry<TState> entry)
    {
        json.WriteStartObject();
        Span<char> time = stackalloc char[24];
        TimeProvider.System.GetUtcNow().TryFormat(time, out var length, "yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture);
        json.WriteString("timestamp", time[..length]);
        json.WriteString("level", LevelName(entry.LogLevel));
        json.WriteString("event", EventName(entry.EventId.Name));
        WriteFields(json, entry.State as IReadOnlyList<KeyValuePair<string, object?>>);

        WriteText(json, "message", entry.Formatter(entry.State, entry.Exception));
        json.WriteString("logger", entry.Category);
        json.WriteString("service", identity.Name);
        json.WriteString("instance", identity.Instance);
        if (Activity.Current is { IdFormat: ActivityIdFormat.W3C } activity)
        {
            json.WriteString("trace_id", activity.TraceId.ToHexString());
            json.WriteString("span_id", activity.SpanId.ToHexString());
        }

        if (entry.Exception is { } exception)
        {
            json.WriteString("exception.type", exception.GetType().FullName);
            WriteText(json, "exception.message", exception.Message);
            WriteText(json, "exception.stacktrace", exception.ToString());
        }

        json.WriteEndObject();
    }

    // Keys of a JSON object must be unique: the first of two equal names stays, and a name that is one of ours gets a prefix.
    static void WriteFields(Utf8JsonWriter json, IReadOnlyList<KeyValuePair<string, object?>>? fields)
    {
        for (var i = 0; i < fields?.Count; i++)
        {
            var (key, value) = fields[i];
            if (value is null || key == "{OriginalFormat}" || ContainsBefore(fields, key, i))
                continue;
            json.WritePropertyName(FixedKeys.Contains(key) ? "fields." + key : key);
            WriteValue(json, value);
        }
    }

    static bool ContainsBefore(IReadOnlyList<KeyValuePair<string, object?>> fields, string key, int end)
    {
        for (var i = 0; i < end; i++)
            if (fields[i].Key == key && fields[i].Value is not null)
                return true;
        return false;
    }

    static void WriteValue(Utf8JsonWriter json, object value)
    {
        switch (value)
        {
            case string text: json.WriteStringValue(Shorten(text)); break;
            case bool flag: json.WriteBooleanValue(flag); break;
            case int or short or sbyte or byte or ushort or long: json.WriteNumberValue(Convert.ToInt64(value, CultureInfo.InvariantCulture)); break;
            case uint or ulong: json.WriteNumberValue(Convert.ToUInt64(value, CultureInfo.InvariantCulture)); break;
            case decimal number: json.WriteNumberValue(number); break;
            // JSON has no word for the others.
            case double number when double.IsFinite(number): json.WriteNumberValue(number); break;
            case float number when float.IsFinite(number): json.WriteNumberValue(number); break;
            case TimeSpan duration: json.WriteNumberValue(duration.TotalSeconds); break;
            case DateTimeOffset time: json.WriteStringValue(time.UtcDateTime); break;
            case DateTime time: json.WriteStringValue(time); break;
            case Enum name: json.WriteStringValue(JsonNamingPolicy.SnakeCaseLower.ConvertName(name.ToString())); break;
            case IEnumerable<string> texts: WriteArray(json, texts); break;
            default: json.WriteStringValue(Shorten(Convert.ToString(value, CultureInfo.InvariantCulture) ?? "")); break;
        }
    }

    static void WriteArray(Utf8JsonWriter json, IEnumerable<string> texts)
    {
        json.WriteStartArray();
        foreach (var text in texts)
            json.WriteStringValue(Shorten(text));
        json.WriteEndArray();
    }

    static void WriteText(Utf8JsonWriter json, string key, string? text)
    {
        if (!string.IsNullOrEmpty(text))
            json.WriteString(key, Shorten(text));
    }

    static string Shorten(string text) => text.Length <= MaxTextLength ? text : string.Concat(text.AsSpan(0, MaxTextLength), "…");

    static string EventName(string? name) =>
        string.IsNullOrEmpty(name) ? "log" : EventNames.GetOrAdd(name, JsonNamingPolicy.SnakeCaseLower.ConvertName);

    static string LevelName(LogLevel level) => level switch
    {
        LogLevel.Trace => "trace",
        LogLevel.Debug => "debug",
        LogLevel.Information => "info",
        LogLevel.Warning => "warn",
        LogLevel.Error => "error",
        _ => "critical",
    };
}

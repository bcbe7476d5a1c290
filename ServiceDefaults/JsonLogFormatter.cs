using System.Buffers;
using System.Diagnostics;
using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;
using Microsoft.Extensions.Logging.Abstractions;

namespace AspireJobs.ServiceDefaults;

/// <summary>
/// Writes a log entry as one line of JSON: timestamp, level and event, the fields of the event, then message, logger, service, instance,
/// trace_id, span_id, trace_flags and the exception. The event is the name of the event id in snake_case, or "log" where it has none.
/// </summary>
sealed class JsonLogFormatter(ServiceIdentity identity, LogKeys keys)
{
    // Log stores refuse lines of some 256 KiB; message and stack trace of one exception stay well below.
    const int MaxTextLength = 32 * 1024;

    const int MillisecondsEnd = 23;

    // The text is read by machines, never placed in HTML: quotes and non-ASCII may stay readable. Control characters are still escaped.
    static readonly JsonWriterOptions Options = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, SkipValidation = true };

    [ThreadStatic]
    static ArrayBufferWriter<byte>? buffer;

    [ThreadStatic]
    static Utf8JsonWriter? writer;

    [ThreadStatic]
    static List<KeyValuePair<string, object?>>? fields;

    /// <summary>The line with its end, in UTF-8; valid until this thread formats the next one.</summary>
    public ReadOnlySpan<byte> Format<TState>(in LogEntry<TState> entry)
    {
        buffer ??= new ArrayBufferWriter<byte>(1024);
        writer ??= new Utf8JsonWriter(buffer, Options);
        buffer.ResetWrittenCount();
        writer.Reset();

        WriteEntry(writer, entry);
        writer.Flush();
        buffer.Write("\n"u8);
        return buffer.WrittenSpan;
    }

    void WriteEntry<TState>(Utf8JsonWriter json, in LogEntry<TState> entry)
    {
        json.WriteStartObject();
        // The runtime writes its own round-trip format several times as fast as one that is spelled out; this is it, down to the milliseconds.
        Span<char> time = stackalloc char["2026-01-31T12:00:00.0000000Z".Length];
        TimeProvider.System.GetUtcNow().UtcDateTime.TryFormat(time, out _, "O", CultureInfo.InvariantCulture);
        time[MillisecondsEnd] = 'Z';
        json.WriteString(keys.Timestamp, time[..(MillisecondsEnd + 1)]);
        json.WriteString(keys.Level, LogKeys.LevelName(entry.LogLevel));
        json.WriteString(keys.Event, LogKeys.EventName(entry.EventId.Name));
        WriteFields(json, entry.State as IReadOnlyList<KeyValuePair<string, object?>>, entry.Exception is not null);

        WriteText(json, "message", entry.Formatter(entry.State, entry.Exception));
        json.WriteString(keys.Logger, entry.Category);
        json.WriteString(keys.Service, identity.Name);
        json.WriteString(keys.Instance, identity.Instance);
        if (keys.SchemaVersion is { } version)
            json.WriteString("ecs.version", version);
        if (Activity.Current is { IdFormat: ActivityIdFormat.W3C } activity)
        {
            json.WriteString(keys.TraceId, activity.TraceId.ToHexString());
            json.WriteString(keys.SpanId, activity.SpanId.ToHexString());
            json.WriteString("trace_flags", activity.Recorded ? "01" : "00");
        }

        if (entry.Exception is { } exception)
        {
            json.WriteString(keys.ExceptionType, exception.GetType().FullName);
            WriteText(json, keys.ExceptionMessage, exception.Message);
            WriteText(json, keys.ExceptionStackTrace, exception.ToString());
        }

        json.WriteEndObject();
    }

    // Keys of a JSON object must be unique: the first of two equal names stays, and a name that is one of ours gets a prefix.
    void WriteFields(Utf8JsonWriter json, IReadOnlyList<KeyValuePair<string, object?>>? state, bool withException)
    {
        fields ??= [];
        fields.Clear();
        // Each read of a state boxes its number anew, so each is read once.
        for (var i = 0; i < state?.Count; i++)
        {
            var field = state[i];
            if (field.Value is null || field.Key == "{OriginalFormat}")
                continue;
            var key = keys.Field(field.Key, withException);
            if (Contains(fields, key))
                continue;
            fields.Add(new(key, null));
            json.WritePropertyName(key);
            WriteValue(json, field.Value);
        }
        fields.Clear();
    }

    static bool Contains(List<KeyValuePair<string, object?>> fields, string key)
    {
        foreach (var field in fields)
            if (field.Key == key)
                return true;
        return false;
    }

    static void WriteValue(Utf8JsonWriter json, object value)
    {
        switch (value)
        {
            case string text: json.WriteStringValue(Shorten(text)); break;
            case bool flag: json.WriteBooleanValue(flag); break;
            case int number: json.WriteNumberValue(number); break;
            case long number: json.WriteNumberValue(number); break;
            case short or sbyte or byte or ushort: json.WriteNumberValue(Convert.ToInt32(value, CultureInfo.InvariantCulture)); break;
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
            case ISpanFormattable small: WriteFormatted(json, small); break;
            default: json.WriteStringValue(Shorten(Convert.ToString(value, CultureInfo.InvariantCulture) ?? "")); break;
        }
    }

    static void WriteFormatted(Utf8JsonWriter json, ISpanFormattable value)
    {
        Span<char> text = stackalloc char[64];
        if (value.TryFormat(text, out var length, default, CultureInfo.InvariantCulture))
            json.WriteStringValue(text[..length]);
        else
            json.WriteStringValue(Shorten(value.ToString(null, CultureInfo.InvariantCulture)));
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
}

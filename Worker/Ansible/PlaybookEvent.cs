using System.Buffers;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace AspireJobs.Worker.Ansible;

/// <summary>One line of the callback plugin, without secrets.</summary>
/// <param name="Seq">The plugin's number: 1, 2, 3 …</param>
/// <param name="At">When it happened.</param>
/// <param name="Type">Ansible's name of the callback.</param>
/// <param name="Fields">The other fields, an object.</param>
internal sealed record PlaybookEvent(int Seq, DateTimeOffset At, string Type, JsonElement Fields)
{
    // A text that ends in this was cut by the plugin, perhaps in the middle of a secret.
    const string Cut = "\u2026[cut]";

    static readonly JsonWriterOptions Writing = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>Reads a line, for example <c>{"seq": 7, "ts": 1795347504407180827, "event": "runner_on_start", "task": "…", "host": "web1"}</c>.</summary>
    /// <exception cref="JsonException">It is no such line.</exception>
    public static PlaybookEvent Parse(ReadOnlyMemory<byte> line, Redactor redactor)
    {
        using var document = JsonDocument.Parse(line);
        var root = document.RootElement;
        if (root.ValueKind != JsonValueKind.Object
            || !root.TryGetProperty("seq", out var seq) || !seq.TryGetInt32(out var number)
            || !root.TryGetProperty("ts", out var ts) || !ts.TryGetInt64(out var nanoseconds)
            || !root.TryGetProperty("event", out var type) || type.ValueKind != JsonValueKind.String)
            throw new JsonException("a line of the event stream is no event");
        return new(number, DateTimeOffset.UnixEpoch.AddTicks(nanoseconds / TimeSpan.NanosecondsPerTick), type.GetString()!, Clean(root, redactor));
    }

    /// <summary>A field's text; null if there is none.</summary>
    public string? Text(string field) => Fields.Text(field);

    /// <summary>Whether a field is there and true.</summary>
    public bool Is(string field) => Fields.TryGetProperty(field, out var value) && value.ValueKind == JsonValueKind.True;

    static JsonElement Clean(JsonElement root, Redactor redactor)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var writer = new Utf8JsonWriter(buffer, Writing))
        {
            writer.WriteStartObject();
            foreach (var property in root.EnumerateObject().Where(property => property.Name is not ("seq" or "ts" or "event")))
                WriteField(writer, property, redactor);
            writer.WriteEndObject();
        }
        var reader = new Utf8JsonReader(buffer.WrittenSpan);
        return JsonElement.ParseValue(ref reader);
    }

    // Names and numbers of the plugin's own are not the playbook's, though a secret may be the same word or number: a run's result is read from them.
    static void WriteField(Utf8JsonWriter writer, JsonProperty field, Redactor redactor)
    {
        writer.WritePropertyName(field.Name);
        switch (field)
        {
            case { Name: "hosts", Value.ValueKind: JsonValueKind.Object }:
                writer.WriteStartObject();
                foreach (var host in field.Value.EnumerateObject())
                {
                    writer.WritePropertyName(Clean(host.Name, redactor));
                    host.Value.WriteTo(writer);
                }
                writer.WriteEndObject();
                break;
            case { Name: not "item", Value.ValueKind: JsonValueKind.Number }:
                field.Value.WriteTo(writer);
                break;
            default:
                WriteClean(writer, field.Value, redactor);
                break;
        }
    }

    static void WriteClean(Utf8JsonWriter writer, JsonProperty property, Redactor redactor)
    {
        writer.WritePropertyName(Clean(property.Name, redactor));
        WriteClean(writer, property.Value, redactor);
    }

    static void WriteClean(Utf8JsonWriter writer, JsonElement value, Redactor redactor)
    {
        switch (value.ValueKind)
        {
            case JsonValueKind.Object:
                writer.WriteStartObject();
                foreach (var property in value.EnumerateObject())
                    WriteClean(writer, property, redactor);
                writer.WriteEndObject();
                break;
            case JsonValueKind.Array:
                writer.WriteStartArray();
                foreach (var entry in value.EnumerateArray())
                    WriteClean(writer, entry, redactor);
                writer.WriteEndArray();
                break;
            case JsonValueKind.String:
                writer.WriteStringValue(Clean(value.GetString()!, redactor));
                break;
            case JsonValueKind.Number when redactor.Redact(value.GetRawText()) == Redactor.Mask:
                writer.WriteStringValue(Redactor.Mask);
                break;
            default:
                value.WriteTo(writer);
                break;
        }
    }

    static string Clean(string text, Redactor redactor)
    {
        text = LogText.MakeHarmless(text);
        return text.EndsWith(Cut, StringComparison.Ordinal) ? redactor.RedactCut(text[..^Cut.Length]) + Cut : redactor.Redact(text);
    }
}

/// <summary>Reading JSON that may lack what one looks for.</summary>
internal static class JsonFields
{
    /// <summary>The text of a member; null if the element is no object, or has no such member, or it is no text or empty.</summary>
    public static string? Text(this JsonElement element, string name) =>
        element.ValueKind == JsonValueKind.Object && element.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String
        && value.GetString() is { Length: > 0 } text ? text : null;
}

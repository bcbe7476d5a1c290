using System.Collections;
using System.Globalization;
using System.Numerics;
using System.Text.Json;
using Google.Protobuf;
using Google.Protobuf.Reflection;

namespace Aspire.Dashboard.Otlp;

/// <summary>OTLP as JSON: Protobuf's JSON mapping, but for ids, which are hexadecimal, and enums, which are numbers.</summary>
static class OtlpJson
{
    static readonly JsonDocumentOptions Strict = new() { MaxDepth = 100 };

    public static void Write(Utf8JsonWriter json, IMessage message)
    {
        json.WriteStartObject();
        foreach (var field in message.Descriptor.Fields.InFieldNumberOrder())
        {
            if (!IsSet(field, message))
                continue;

            json.WritePropertyName(field.JsonName);
            var value = field.Accessor.GetValue(message);
            if (field.IsRepeated)
            {
                json.WriteStartArray();
                foreach (var item in (IList)value)
                    WriteValue(json, field, item!);
                json.WriteEndArray();
            }
            else
            {
                WriteValue(json, field, value);
            }
        }
        json.WriteEndObject();
    }

    /// <exception cref="OtlpFormatException">Names the place.</exception>
    public static T Read<T>(ReadOnlyMemory<byte> utf8)
        where T : IMessage, new()
    {
        try
        {
            using var document = JsonDocument.Parse(utf8, Strict);
            var message = new T();
            Read(message, document.RootElement, "$");
            return message;
        }
        catch (JsonException e)
        {
            throw new OtlpFormatException($"The body is not JSON: {e.Message}", e);
        }
    }

    static bool IsSet(FieldDescriptor field, IMessage message)
    {
        if (field.HasPresence)
            return field.Accessor.HasValue(message);
        return field.Accessor.GetValue(message) switch
        {
            IList list => list.Count > 0,
            string text => text.Length > 0,
            ByteString bytes => !bytes.IsEmpty,
            bool flag => flag,
            Enum or int or uint or long or ulong or double => !IsZero(field.Accessor.GetValue(message)),
            _ => true,
        };
    }

    static bool IsZero(object number) => Convert.ToDouble(number, CultureInfo.InvariantCulture) == 0;

    static bool IsId(FieldDescriptor field) => field.JsonName is "traceId" or "spanId" or "parentSpanId";

    static void WriteValue(Utf8JsonWriter json, FieldDescriptor field, object value)
    {
        switch (value)
        {
            case IMessage message:
                Write(json, message);
                break;
            case ByteString bytes when IsId(field):
                json.WriteStringValue(Convert.ToHexStringLower(bytes.Span));
                break;
            case ByteString bytes:
                json.WriteBase64StringValue(bytes.Span);
                break;
            case bool flag:
                json.WriteBooleanValue(flag);
                break;
            case long or ulong:
                json.WriteStringValue(Convert.ToString(value, CultureInfo.InvariantCulture));
                break;
            case double number when !double.IsFinite(number):
                json.WriteStringValue(double.IsNaN(number) ? "NaN" : number > 0 ? "Infinity" : "-Infinity");
                break;
            case double number:
                json.WriteNumberValue(number);
                break;
            case uint number:
                json.WriteNumberValue(number);
                break;
            case string text:
                json.WriteStringValue(text);
                break;
            default:
                json.WriteNumberValue((int)value);
                break;
        }
    }

    static void Read(IMessage message, JsonElement json, string path)
    {
        if (json.ValueKind != JsonValueKind.Object)
            throw Wrong(path, "an object");
        foreach (var property in json.EnumerateObject())
        {
            // What a later version of OTLP adds is passed over.
            if (FindField(message.Descriptor, property.Name) is not { } field || property.Value.ValueKind == JsonValueKind.Null)
                continue;

            var place = $"{path}.{property.Name}";
            if (!field.IsRepeated)
            {
                field.Accessor.SetValue(message, ReadValue(field, property.Value, place));
                continue;
            }
            if (property.Value.ValueKind != JsonValueKind.Array)
                throw Wrong(place, "an array");
            var list = (IList)field.Accessor.GetValue(message);
            foreach (var item in property.Value.EnumerateArray())
                list.Add(ReadValue(field, item, $"{place}[{list.Count}]"));
        }
    }

    static FieldDescriptor? FindField(MessageDescriptor descriptor, string name)
    {
        foreach (var field in descriptor.Fields.InFieldNumberOrder())
        {
            if (field.JsonName == name || field.Name == name)
                return field;
        }
        return null;
    }

    static object ReadValue(FieldDescriptor field, JsonElement json, string path)
    {
        switch (field.FieldType)
        {
            case FieldType.Message:
                var message = field.MessageType.Parser.ParseFrom([]);
                Read(message, json, path);
                return message;
            case FieldType.String:
                return json.ValueKind == JsonValueKind.String ? json.GetString()! : throw Wrong(path, "a string");
            case FieldType.Bool:
                return json.ValueKind is JsonValueKind.True or JsonValueKind.False ? json.GetBoolean() : throw Wrong(path, "true or false");
            case FieldType.Bytes:
                return ReadBytes(field, json, path);
            case FieldType.Enum:
                if (json.ValueKind == JsonValueKind.Number && json.TryGetInt32(out var number))
                    return number;
                return field.EnumType.Values.FirstOrDefault(v => json.ValueKind == JsonValueKind.String && json.GetString()!.EndsWith(v.Name, StringComparison.Ordinal))?.Number
                    ?? throw Wrong(path, "a number");
            case FieldType.Double:
                return ReadNumber<double>(json, path, "a number", NumberStyles.Float);
            case FieldType.Int64 or FieldType.SFixed64:
                return ReadNumber<long>(json, path, "a whole number of 64 bits", NumberStyles.AllowLeadingSign);
            case FieldType.UInt64 or FieldType.Fixed64:
                return ReadNumber<ulong>(json, path, "a whole number of 64 bits, not below zero", NumberStyles.None);
            case FieldType.UInt32 or FieldType.Fixed32:
                return ReadNumber<uint>(json, path, "a whole number of 32 bits, not below zero", NumberStyles.None);
            default:
                return ReadNumber<int>(json, path, "a whole number of 32 bits", NumberStyles.AllowLeadingSign);
        }
    }

    static object ReadNumber<T>(JsonElement json, string path, string expected, NumberStyles style)
        where T : struct, INumber<T>
    {
        var text = json.ValueKind switch
        {
            JsonValueKind.Number => json.GetRawText(),
            JsonValueKind.String => json.GetString()!,
            _ => throw Wrong(path, expected),
        };
        return T.TryParse(text, style, CultureInfo.InvariantCulture, out var value) ? value : throw Wrong(path, expected);
    }

    static ByteString ReadBytes(FieldDescriptor field, JsonElement json, string path)
    {
        var expected = IsId(field) ? "hexadecimal digits" : "base64";
        if (json.ValueKind != JsonValueKind.String)
            throw Wrong(path, expected);
        try
        {
            var text = json.GetString()!;
            return ByteString.CopyFrom(IsId(field) ? Convert.FromHexString(text) : Convert.FromBase64String(text));
        }
        catch (FormatException e)
        {
            throw new OtlpFormatException($"{path} must be {expected}.", e);
        }
    }

    static OtlpFormatException Wrong(string path, string expected) => new($"{path} must be {expected}.");
}

/// <summary>What was sent is not OTLP.</summary>
sealed class OtlpFormatException : Exception
{
    public OtlpFormatException(string message) : base(message) { }

    public OtlpFormatException(string message, Exception inner) : base(message, inner) { }
}

using System.Runtime.InteropServices;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace AspireJobs.Api.Http;

/// <summary>Finds what is wrong with a body, by field.</summary>
static class BodyFaults
{
    static ReadOnlySpan<byte> Nul => @"\u0000"u8;

    static readonly JsonDocumentOptions Strict = new() { AllowDuplicateProperties = false };

    /// <summary>Every field of a refused body that does not fit its type. Runs only when the quick way has failed.</summary>
    public static IReadOnlyDictionary<string, string[]> Find(ReadOnlyMemory<byte> utf8, JsonTypeInfo type, JsonException? first)
    {
        var errors = new Errors();
        try
        {
            using var document = JsonDocument.Parse(utf8, Strict);
            if (document.RootElement.ValueKind != JsonValueKind.Object)
                errors.Add("$", "The body must be a JSON object.");
            else
                Check(document.RootElement, type, "", errors);
        }
        catch (InvalidOperationException)
        {
            errors.Add("$", "The body has a name that is no text: half of a surrogate pair.");
        }
        catch (JsonException e) when (e.LineNumber is null)
        {
            // The one fault that is told without a place.
            errors.Add("$", "The body has an object with the same field twice.");
        }
        catch (JsonException) when (IsTooDeep(utf8.Span))
        {
            errors.Add("$", $"The body is nested too deeply: at most {Limits.BodyDepth} levels.");
        }
        catch (JsonException e)
        {
            errors.Add("$", $"The body is not valid JSON: line {e.LineNumber + 1}, byte {e.BytePositionInLine + 1}.");
        }
        if (!errors.Any)
            errors.Add(first?.Path is { Length: > 2 } path ? path[2..] : "$", "The value does not fit.");
        return errors.ByField;
    }

    /// <summary>The first field of a body that fits with U+0000 somewhere in it, which Postgres keeps in JSON but cannot read from there; null if there is none.</summary>
    public static string? FieldWithNul(ReadOnlyMemory<byte> utf8)
    {
        if (utf8.Span.IndexOf(Nul) < 0)
            return null;
        using var document = JsonDocument.Parse(utf8);
        foreach (var member in document.RootElement.EnumerateObject())
            if (HasNul(JsonMarshal.GetRawUtf8Value(member.Value)))
                return member.Name;
        return null;
    }

    // Whether it is JSON as far as the limit.
    static bool IsTooDeep(ReadOnlySpan<byte> utf8)
    {
        var reader = new Utf8JsonReader(utf8, new JsonReaderOptions { MaxDepth = Limits.BodyDepth + 1 });
        try
        {
            while (reader.Read())
                if (reader.CurrentDepth == Limits.BodyDepth)
                    return true;
        }
        catch (JsonException)
        {
            // Something else is wrong before.
        }
        return false;
    }

    // A backslash that is escaped itself escapes nothing.
    static bool HasNul(ReadOnlySpan<byte> json)
    {
        while (json.IndexOf((byte)'\\') is >= 0 and var at)
        {
            if (json[at..].StartsWith(Nul))
                return true;
            json = json[(at + 2)..];
        }
        return false;
    }

    static void Check(JsonElement element, JsonTypeInfo type, string prefix, Errors errors)
    {
        foreach (var member in element.EnumerateObject())
        {
            var field = prefix + member.Name;
            var property = type.Properties.FirstOrDefault(property => property.Name == member.Name);
            if (property is null)
                errors.Add(field, $"There is no field '{field}'. Known: {string.Join(", ", type.Properties.Select(known => known.Name))}.");
            else
                Check(member.Value, property, field, errors);
        }
    }

    static void Check(JsonElement value, JsonPropertyInfo property, string field, Errors errors)
    {
        var type = property.Options.GetTypeInfo(property.PropertyType);
        if (value.ValueKind == JsonValueKind.Null)
        {
            if (!property.IsSetNullable)
                errors.Add(field, $"{field} must be {Expected(property.PropertyType)}, not null; leave it out for its default.");
        }
        else if (type.Kind == JsonTypeInfoKind.Object && value.ValueKind == JsonValueKind.Object)
            Check(value, type, field + ".", errors);
        else if (!Fits(value, type))
            errors.Add(field, $"{field} must be {Expected(property.PropertyType)}.");
    }

    static bool Fits(JsonElement value, JsonTypeInfo type)
    {
        try
        {
            value.Deserialize(type);
            return true;
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            return false;
        }
    }

    static string Expected(Type type) => (Nullable.GetUnderlyingType(type) ?? type) switch
    {
        var t when t == typeof(string) => "a string",
        var t when t == typeof(bool) => "true or false",
        var t when t == typeof(int) => "a whole number",
        var t when t.IsEnum => $"one of: {Words(t)}",
        var t when t == typeof(DateTimeOffset) => "a time as in RFC 3339, with Z or an offset, such as 2026-01-31T12:00:00Z",
        var t when t.IsAssignableTo(typeof(IEnumerable<string>)) => "a list of strings",
        { IsGenericType: true, GenericTypeArguments: [{ IsEnum: true } word] } => $"a list of some of: {Words(word)}",
        var t when t.IsAssignableTo(typeof(IEnumerable<KeyValuePair<string, string>>)) => "an object whose values are strings",
        _ => "an object",
    };

    static string Words(Type type) => string.Join(", ", Enum.GetNames(type).Select(JsonNamingPolicy.SnakeCaseLower.ConvertName));
}

using System.Diagnostics.CodeAnalysis;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace AspireJobs.Jobs;

/// <summary>
/// The id of a job: <c>job-</c> followed by a UUID version 7 (RFC 9562), so that ids sort by submission time.
/// </summary>
[JsonConverter(typeof(JobIdJsonConverter))]
public readonly record struct JobId(Guid Value) : ISpanFormattable
{
    /// <summary>Characters of the text of an id.</summary>
    internal const int Length = 40;

    const string Prefix = "job-";

    /// <summary>A new id that carries the clock's current time.</summary>
    public static JobId Create(TimeProvider time) => new(Guid.CreateVersion7(time.GetUtcNow()));

    /// <summary>Reads the form that <see cref="ToString()"/> writes; anything else is refused.</summary>
    public static bool TryParse([NotNullWhen(true)] string? text, out JobId id)
    {
        id = default;
        if (text is null || !text.StartsWith(Prefix, StringComparison.Ordinal) || !Guid.TryParseExact(text.AsSpan(Prefix.Length), "D", out var value))
            return false;
        id = new JobId(value);
        return true;
    }

    /// <inheritdoc/>
    public override string ToString() => $"{Prefix}{Value:D}";

    /// <inheritdoc/>
    public string ToString(string? format, IFormatProvider? formatProvider) => ToString();

    /// <inheritdoc/>
    public bool TryFormat(Span<char> destination, out int charsWritten, ReadOnlySpan<char> format, IFormatProvider? provider)
    {
        charsWritten = 0;
        if (!Prefix.TryCopyTo(destination) || !Value.TryFormat(destination[Prefix.Length..], out var digits, "D"))
            return false;
        charsWritten = Prefix.Length + digits;
        return true;
    }
}

/// <summary>Writes a <see cref="JobId"/> as its text.</summary>
public sealed class JobIdJsonConverter : JsonConverter<JobId>
{
    /// <inheritdoc/>
    public override JobId Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        JobId.TryParse(reader.GetString(), out var id) ? id : throw new JsonException("not a job id");

    /// <inheritdoc/>
    public override void Write(Utf8JsonWriter writer, JobId value, JsonSerializerOptions options)
    {
        Span<char> text = stackalloc char[JobId.Length];
        value.TryFormat(text, out _, default, null);
        writer.WriteStringValue(text);
    }
}

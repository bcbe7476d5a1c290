using System.Text.Json;
using System.Text.Json.Serialization;

namespace AspireJobs.Jobs;

/// <summary>The one JSON form of the domain, on the wire and in the database: snake_case, strict on input, nulls left out.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
    Converters = [typeof(WordConverter<JobStatus>), typeof(WordConverter<JobOutcome>), typeof(WordConverter<SourceType>)])]
[JsonSerializable(typeof(Job))]
[JsonSerializable(typeof(JobEvent))]
[JsonSerializable(typeof(JobFailure))]
[JsonSerializable(typeof(JobRequest))]
[JsonSerializable(typeof(IReadOnlyDictionary<string, HostSummary>))]
[JsonSerializable(typeof(IReadOnlyDictionary<string, string>))]
[JsonSerializable(typeof(JsonElement))]
public sealed partial class JobsJson : JsonSerializerContext;

sealed class WordConverter<T> : JsonConverter<T> where T : struct, Enum
{
    public override T Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        reader.TokenType == JsonTokenType.String && SnakeCase.TryValue<T>(reader.GetString()!, out var value)
            ? value
            : throw new JsonException($"must be one of: {string.Join(", ", SnakeCase.All<T>())}");

    public override void Write(Utf8JsonWriter writer, T value, JsonSerializerOptions options) =>
        writer.WriteStringValue(value.Word());
}

using System.Text.Json;
using System.Text.Json.Serialization;
using AspireJobs.Jobs.Credentials;
using AspireJobs.Jobs.Schedules;
using AspireJobs.Jobs.Webhooks;

namespace AspireJobs.Jobs;

/// <summary>The one JSON form of the domain, on the wire and in the database: snake_case, strict on input, nulls left out.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
    AllowDuplicateProperties = false,
    RespectNullableAnnotations = true,
    Converters = [typeof(WordConverter<JobStatus>), typeof(WordConverter<JobOutcome>), typeof(WordConverter<SourceType>), typeof(WordConverter<OnWorkerLost>), typeof(WordConverter<WaitingReason>), typeof(WordConverter<RerunHosts>), typeof(WordConverter<Overlap>), typeof(WordConverter<FireResult>), typeof(WordConverter<CredentialType>), typeof(WordConverter<DeliveryStatus>), typeof(UtcConverter)])]
[JsonSerializable(typeof(Job))]
[JsonSerializable(typeof(JobEvent))]
[JsonSerializable(typeof(JobFailure))]
[JsonSerializable(typeof(JobProvenance))]
[JsonSerializable(typeof(JobAttempt))]
[JsonSerializable(typeof(JobRequest))]
[JsonSerializable(typeof(JobRerun))]
[JsonSerializable(typeof(Schedule))]
[JsonSerializable(typeof(IReadOnlyDictionary<string, HostSummary>))]
[JsonSerializable(typeof(IReadOnlyDictionary<string, string>))]
[JsonSerializable(typeof(JsonElement))]
public sealed partial class JobsJson : JsonSerializerContext
{
    /// <summary>For reading what the database holds: a field that a newer version wrote is passed over, and names that redaction made equal stay.</summary>
    public static JobsJson Stored => field ??= new(new JsonSerializerOptions(Default.Options) { UnmappedMemberHandling = JsonUnmappedMemberHandling.Skip, AllowDuplicateProperties = true });

    /// <summary>Gives other options the same form, and these types' serializers.</summary>
    public static void Apply(JsonSerializerOptions options)
    {
        var form = Default.Options;
        options.PropertyNamingPolicy = form.PropertyNamingPolicy;
        options.DefaultIgnoreCondition = form.DefaultIgnoreCondition;
        options.UnmappedMemberHandling = form.UnmappedMemberHandling;
        options.AllowDuplicateProperties = form.AllowDuplicateProperties;
        options.RespectNullableAnnotations = form.RespectNullableAnnotations;
        options.PropertyNameCaseInsensitive = form.PropertyNameCaseInsensitive;
        options.NumberHandling = form.NumberHandling;
        foreach (var converter in form.Converters)
            options.Converters.Add(converter);
        options.TypeInfoResolverChain.Insert(0, Default);
    }
}

sealed class WordConverter<T> : JsonConverter<T> where T : struct, Enum
{
    public override T Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        reader.TokenType == JsonTokenType.String && SnakeCase.TryValue<T>(reader.GetString()!, out var value)
            ? value
            : throw new JsonException($"must be one of: {string.Join(", ", SnakeCase.All<T>())}");

    public override void Write(Utf8JsonWriter writer, T value, JsonSerializerOptions options) =>
        writer.WriteStringValue(value.Word());
}

/// <summary>Times in ISO 8601: written in UTC, with Z, and read only with an offset, as without one each machine would read another time.</summary>
sealed class UtcConverter : JsonConverter<DateTimeOffset>
{
    public override DateTimeOffset Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        reader.GetDateTime().Kind != DateTimeKind.Unspecified ? reader.GetDateTimeOffset() : throw new JsonException("must have an offset");

    public override void Write(Utf8JsonWriter writer, DateTimeOffset value, JsonSerializerOptions options) => writer.WriteStringValue(value.UtcDateTime);
}

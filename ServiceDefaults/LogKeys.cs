using System.Collections.Concurrent;
using System.Text.Json;
using Microsoft.Extensions.Logging;

namespace AspireJobs.ServiceDefaults;

/// <summary>How the keys of a log line are called.</summary>
sealed record LogKeys
{
    /// <summary>The names of docs/telemetry.md.</summary>
    public static readonly LogKeys Default = new();

    /// <summary>
    /// Those of the Elastic Common Schema, so that Elasticsearch takes the lines as they are; in it <c>event</c>, <c>host</c>
    /// and others are objects, so a field of such a name has a prefix. Fields that the schema does not know keep their names.
    /// </summary>
    public static readonly LogKeys Ecs = new()
    {
        SchemaVersion = "8.11.0",
        Timestamp = "@timestamp",
        Level = "log.level",
        Event = "event.action",
        Logger = "log.logger",
        Service = "service.name",
        Instance = "service.node.name",
        TraceId = "trace.id",
        SpanId = "span.id",
        ExceptionType = "error.type",
        ExceptionMessage = "error.message",
        ExceptionStackTrace = "error.stack_trace",
        Renamed = new(StringComparer.Ordinal)
        {
            ["error_type"] = "error.type",
            ["error_message"] = "error.message",
            ["error"] = "error.message",
        },
        Objects =
        [
            "agent", "client", "cloud", "container", "data_stream", "destination", "device", "dll", "dns", "ecs", "email", "event", "faas", "file",
            "group", "host", "http", "labels", "log", "network", "observer", "orchestrator", "organization", "package", "process", "registry",
            "related", "rule", "server", "service", "source", "span", "tags", "threat", "tls", "trace", "transaction", "url", "user", "user_agent",
            "volume", "vulnerability",
        ],
    };

    static readonly ConcurrentDictionary<string, string> EventNames = new(StringComparer.Ordinal);

    readonly ConcurrentDictionary<string, string> _fields = new(StringComparer.Ordinal);
    HashSet<string>? _fixed;

    /// <summary>Value of <c>ecs.version</c>, if lines carry it.</summary>
    public string? SchemaVersion { get; private init; }
    public string Timestamp { get; private init; } = "timestamp";
    public string Level { get; private init; } = "level";
    public string Event { get; private init; } = "event";
    public string Logger { get; private init; } = "logger";
    public string Service { get; private init; } = "service";
    public string Instance { get; private init; } = "instance";
    public string TraceId { get; private init; } = "trace_id";
    public string SpanId { get; private init; } = "span_id";
    public string ExceptionType { get; private init; } = "exception.type";
    public string ExceptionMessage { get; private init; } = "exception.message";
    public string ExceptionStackTrace { get; private init; } = "exception.stacktrace";
    Dictionary<string, string> Renamed { get; init; } = [];
    HashSet<string> Objects { get; init; } = [];

    /// <summary>The keys for a value of the setting <c>Logging:Format</c>.</summary>
    /// <exception cref="InvalidOperationException">There is no such format.</exception>
    public static LogKeys Of(string? format) => format switch
    {
        null or "" or "default" => Default,
        "ecs" => Ecs,
        _ => throw new InvalidOperationException($"Logging:Format is '{format}'; it must be 'default' or 'ecs'."),
    };

    /// <summary>The key of an event's field: its name, with a prefix if the line has that key already, as one with an exception has its keys.</summary>
    public string Field(string name, bool withException)
    {
        var key = _fields.GetOrAdd(name, static (given, keys) =>
        {
            // Libraries write EnvName, we env_name.
            var field = given.Any(char.IsAsciiLetterUpper) ? JsonNamingPolicy.SnakeCaseLower.ConvertName(given) : given;
            return keys.Renamed.TryGetValue(field, out var renamed) ? renamed : keys.Fixed.Contains(field) || keys.Objects.Contains(field) ? "fields." + field : field;
        }, this);
        return withException && (key == ExceptionType || key == ExceptionMessage) ? "fields." + name : key;
    }

    public static string EventName(string? name) =>
        string.IsNullOrEmpty(name) ? "log" : EventNames.GetOrAdd(name, JsonNamingPolicy.SnakeCaseLower.ConvertName);

    public static string LevelName(LogLevel level) => level switch
    {
        LogLevel.Trace => "trace",
        LogLevel.Debug => "debug",
        LogLevel.Information => "info",
        LogLevel.Warning => "warn",
        LogLevel.Error => "error",
        _ => "critical",
    };

    HashSet<string> Fixed => _fixed ??=
    [
        Timestamp, Level, Event, "message", Logger, Service, Instance, TraceId, SpanId, "trace_flags", ExceptionType, ExceptionMessage, ExceptionStackTrace, "ecs.version",
    ];
}

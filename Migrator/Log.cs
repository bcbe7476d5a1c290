using Microsoft.Extensions.Logging;

namespace AspireJobs.Migrator;

static partial class Log
{
    [LoggerMessage(LogLevel.Information, "Applied {schema_file}", EventName = "schema_applied")]
    public static partial void SchemaApplied(this ILogger logger, string schema_file);

    [LoggerMessage(LogLevel.Information, "The API key named admin is set", EventName = "admin_key_set")]
    public static partial void AdminKeySet(this ILogger logger);

    [LoggerMessage(LogLevel.Error, "AdminApiKey must be set to at least {shortest} characters; the app host generates one", EventName = "admin_key_too_short")]
    public static partial void AdminKeyTooShort(this ILogger logger, int shortest);
}

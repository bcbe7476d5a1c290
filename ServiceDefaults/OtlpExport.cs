using System.Globalization;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;
using OpenTelemetry;
using OpenTelemetry.Exporter;
using OpenTelemetry.Logs;
using OpenTelemetry.Metrics;
using OpenTelemetry.Trace;

namespace AspireJobs.ServiceDefaults;

/// <summary>
/// Which of the three signals are exported by OTLP, and how: by the variables of the OpenTelemetry specification. The SDK reads those for all signals,
/// such as <c>OTEL_EXPORTER_OTLP_ENDPOINT</c>; those of one signal, such as <c>OTEL_EXPORTER_OTLP_TRACES_ENDPOINT</c>, are read here, as the SDK reads them
/// only where all three are exported.
/// </summary>
static class OtlpExport
{
    /// <summary>The signals, as in the variables' names; their exporters' options have the same names.</summary>
    public const string Traces = "TRACES", Metrics = "METRICS", Logs = "LOGS";

    /// <summary>Exports the signals that have an endpoint, their own or that for all, and for which no other exporter than <c>otlp</c> is named.</summary>
    public static void Add(IHostApplicationBuilder builder, OpenTelemetryBuilder telemetry)
    {
        var (traces, metrics, logs) = (SignalOf(Traces), SignalOf(Metrics), SignalOf(Logs));
        if (traces.IsExported)
            telemetry.WithTracing(tracing => tracing.AddOtlpExporter(Traces, traces.Configure));
        if (metrics.IsExported)
            telemetry.WithMetrics(metering => metering.AddOtlpExporter(Metrics, metrics.Configure));
        if (logs.IsExported)
            telemetry.WithLogging(logging => logging.AddOtlpExporter(Logs, logs.Configure), options => options.IncludeFormattedMessage = true);
        if (traces.IsExported || metrics.IsExported || logs.IsExported)
        {
            builder.Services.TryAddSingleton(TimeProvider.System);
            builder.Services.AddHostedService<ExportErrors>();
            builder.Services.AddHostedService<TelemetryShutdown>();
        }

        Signal SignalOf(string name) => new(name, builder.Configuration);
    }

    sealed record Signal(string Name, IConfiguration Variables)
    {
        public bool IsExported =>
            (Own("ENDPOINT") ?? Value("OTEL_EXPORTER_OTLP_ENDPOINT")) is not null
            && Value($"OTEL_{Name}_EXPORTER") is var exporters && (exporters is null || exporters.Split(',', StringSplitOptions.TrimEntries).Contains("otlp"));

        public void Configure(OtlpExporterOptions options)
        {
            if (Own("ENDPOINT") is { } endpoint)
                options.Endpoint = Uri.TryCreate(endpoint, UriKind.Absolute, out var url) ? url : throw Unreadable("ENDPOINT", "an absolute URL");
            if (Own("PROTOCOL") is { } protocol)
                options.Protocol = protocol switch
                {
                    "grpc" => OtlpExportProtocol.Grpc,
                    "http/protobuf" => OtlpExportProtocol.HttpProtobuf,
                    _ => throw Unreadable("PROTOCOL", "grpc or http/protobuf"),
                };
            if (Own("COMPRESSION") is { } compression)
                options.Compression = compression switch
                {
                    "gzip" => OtlpExportCompression.GZip,
                    "none" => OtlpExportCompression.None,
                    _ => throw Unreadable("COMPRESSION", "gzip or none"),
                };
            if (Own("TIMEOUT") is { } timeout)
                options.TimeoutMilliseconds = int.TryParse(timeout, NumberStyles.None, CultureInfo.InvariantCulture, out var milliseconds)
                    ? milliseconds
                    : throw Unreadable("TIMEOUT", "a number of milliseconds");
            if (Own("HEADERS") is { } headers)
                options.Headers = headers;
        }

        // Without the value, which may hold a password.
        InvalidOperationException Unreadable(string setting, string expected) => new($"{Variable(setting)} is not {expected}.");

        string? Own(string setting) => Value(Variable(setting));

        string Variable(string setting) => $"OTEL_EXPORTER_OTLP_{Name}_{setting}";

        string? Value(string variable) => Variables[variable] is { } value && !string.IsNullOrWhiteSpace(value) ? value : null;
    }
}

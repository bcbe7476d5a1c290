using Aspire.Hosting.ApplicationModel;
using LocalAspire.Dashboard;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Hosting;

namespace Aspire.Hosting;

public enum OtlpProtocol
{
    Grpc,
    HttpProtobuf,
    HttpJson,
}

public static class OtlpConfigurationExtensions
{
    const string GrpcUrl = "ASPIRE_DASHBOARD_OTLP_ENDPOINT_URL";
    const string HttpUrl = "ASPIRE_DASHBOARD_OTLP_HTTP_ENDPOINT_URL";
    const string DefaultUrl = "http://localhost:18889";

    /// <summary>Tells the process where its telemetry goes, when the application runs.</summary>
    public static void AddOtlpEnvironment(IResource resource, IConfiguration configuration, IHostEnvironment environment) =>
        Add(resource, configuration, environment, null);

    /// <inheritdoc cref="AddOtlpEnvironment(IResource, IConfiguration, IHostEnvironment)"/>
    /// <exception cref="InvalidOperationException">When the process starts: there is no address for the protocol.</exception>
    public static void AddOtlpEnvironment(IResource resource, IConfiguration configuration, IHostEnvironment environment, OtlpProtocol protocol) =>
        Add(resource, configuration, environment, protocol);

    /// <inheritdoc cref="AddOtlpEnvironment(IResource, IConfiguration, IHostEnvironment)"/>
    public static IResourceBuilder<T> WithOtlpExporter<T>(this IResourceBuilder<T> builder)
        where T : IResourceWithEnvironment
    {
        ArgumentNullException.ThrowIfNull(builder);
        AddOtlpEnvironment(builder.Resource, builder.ApplicationBuilder.Configuration, builder.ApplicationBuilder.Environment);
        return builder;
    }

    /// <inheritdoc cref="AddOtlpEnvironment(IResource, IConfiguration, IHostEnvironment, OtlpProtocol)"/>
    public static IResourceBuilder<T> WithOtlpExporter<T>(this IResourceBuilder<T> builder, OtlpProtocol protocol)
        where T : IResourceWithEnvironment
    {
        ArgumentNullException.ThrowIfNull(builder);
        AddOtlpEnvironment(builder.Resource, builder.ApplicationBuilder.Configuration, builder.ApplicationBuilder.Environment, protocol);
        return builder;
    }

    static void Add(IResource resource, IConfiguration configuration, IHostEnvironment environment, OtlpProtocol? wanted)
    {
        ArgumentNullException.ThrowIfNull(resource);
        ArgumentNullException.ThrowIfNull(configuration);
        ArgumentNullException.ThrowIfNull(environment);
        resource.Annotations.Add(new OtlpExporterAnnotation { RequiredProtocol = wanted });
        resource.Annotations.Add(new EnvironmentCallbackAnnotation(context =>
        {
            if (context.ExecutionContext.IsRunMode)
                AddVariables(context, configuration, environment, wanted);
            return Task.CompletedTask;
        }));
    }

    static void AddVariables(EnvironmentCallbackContext context, IConfiguration configuration, IHostEnvironment environment, OtlpProtocol? wanted)
    {
        var (url, protocol) = Target(configuration, context.Resource, wanted);
        var variables = context.EnvironmentVariables;
        variables["OTEL_EXPORTER_OTLP_ENDPOINT"] = url;
        variables["OTEL_EXPORTER_OTLP_PROTOCOL"] = protocol;
        variables["OTEL_RESOURCE_ATTRIBUTES"] = ReferenceExpression.Create($"service.instance.id={InstanceIdValue.Instance}");
        variables["OTEL_SERVICE_NAME"] = context.Resource.Name;
        if (configuration[DashboardSettings.OtlpApiKeySetting] is { Length: > 0 } key)
            variables["OTEL_EXPORTER_OTLP_HEADERS"] = $"x-otlp-api-key={key}";
        if (!environment.IsDevelopment())
            return;

        variables["OTEL_BLRP_SCHEDULE_DELAY"] = "1000";
        variables["OTEL_BSP_SCHEDULE_DELAY"] = "1000";
        variables["OTEL_METRIC_EXPORT_INTERVAL"] = "1000";
        variables["OTEL_TRACES_SAMPLER"] = "always_on";
        variables["OTEL_METRICS_EXEMPLAR_FILTER"] = "trace_based";
        variables["OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT"] = "true";
    }

    static (string Url, string Protocol) Target(IConfiguration configuration, IResource resource, OtlpProtocol? wanted)
    {
        var (grpc, http) = (configuration[GrpcUrl], configuration[HttpUrl]);
        var httpProtocol = wanted is OtlpProtocol.HttpJson ? "http/json" : "http/protobuf";
        return wanted switch
        {
            OtlpProtocol.Grpc => (grpc ?? throw Missing(GrpcUrl), "grpc"),
            OtlpProtocol.HttpProtobuf or OtlpProtocol.HttpJson => (http ?? throw Missing(HttpUrl), httpProtocol),
            _ when !string.IsNullOrEmpty(grpc) => (grpc, "grpc"),
            _ when !string.IsNullOrEmpty(http) => (http, httpProtocol),
            _ => (DefaultUrl, "grpc"),
        };

        InvalidOperationException Missing(string key) =>
            new($"The resource '{resource.Name}' is to export telemetry by {wanted}, but '{key}' has no value.");
    }

    /// <summary>Differs from replica to replica.</summary>
    sealed class InstanceIdValue : IExpressionValue
    {
        public static readonly InstanceIdValue Instance = new();

        public string ValueExpression => "{instance}";

        public ValueTask<string?> GetValueAsync(CancellationToken cancellationToken = default) => new((string?)null);

        public ValueTask<string?> GetValueAsync(ValueProviderContext context, CancellationToken cancellationToken = default) => new(context.Instance?.Suffix);
    }
}

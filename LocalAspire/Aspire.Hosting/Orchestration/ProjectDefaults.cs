using System.Net.Sockets;
using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Hosting;

namespace LocalAspire;

/// <summary>What every project receives without asking: endpoints of its launch profile, telemetry, its own address.</summary>
static class ProjectDefaults
{
    public static IResourceBuilder<ProjectResource> Apply(IResourceBuilder<ProjectResource> project, SelectedProfile? profile)
    {
        foreach (var url in profile?.Profile.ApplicationUrl?.Split(';', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries) ?? [])
            AddEndpoint(project, BindingAddress.Parse(url));

        project.WithEnvironment(context => AddTelemetry(context, project.ApplicationBuilder));
        project.WithEnvironment(AddConsole);
        project.WithEnvironment(context => AddUrls(context, project.Resource));
        if (profile is not null)
        {
            project.WithEnvironment(context => AddProfile(context, profile));
            project.WithArgs(context =>
            {
                foreach (var arg in CommandLine.Split(profile.Profile.CommandLineArgs))
                    context.Args.Add(arg);
            });
        }
        return project;
    }

    static void AddEndpoint(IResourceBuilder<ProjectResource> project, BindingAddress address)
    {
        var taken = project.Resource.Annotations.OfType<EndpointAnnotation>().Count(e => e.UriScheme == address.Scheme);
        var name = taken == 0 ? address.Scheme : $"{address.Scheme}{taken + 1}";
        project.WithAnnotation(new EndpointAnnotation(ProtocolType.Tcp, address.Scheme, name: name, port: address.Port) { TargetHost = address.Host });
    }

    static void AddTelemetry(EnvironmentCallbackContext context, IDistributedApplicationBuilder builder)
    {
        var variables = context.EnvironmentVariables;
        var (endpoint, protocol) = builder.Configuration switch
        {
            var c when c["ASPIRE_DASHBOARD_OTLP_ENDPOINT_URL"] is { Length: > 0 } grpc => (grpc, "grpc"),
            var c when c["ASPIRE_DASHBOARD_OTLP_HTTP_ENDPOINT_URL"] is { Length: > 0 } http => (http, "http/protobuf"),
            _ => ("http://localhost:18889", "grpc"),
        };
        variables["OTEL_DOTNET_EXPERIMENTAL_OTLP_RETRY"] = "in_memory";
        variables["OTEL_EXPORTER_OTLP_ENDPOINT"] = endpoint;
        variables["OTEL_EXPORTER_OTLP_PROTOCOL"] = protocol;
        variables["OTEL_SERVICE_NAME"] = context.Resource.Name;
        variables["OTEL_RESOURCE_ATTRIBUTES"] = ReferenceExpression.Create($"service.instance.id={InstanceIdValue.Instance}");
        if (!builder.Environment.IsDevelopment())
            return;

        variables["OTEL_DOTNET_EXPERIMENTAL_ASPNETCORE_DISABLE_URL_QUERY_REDACTION"] = "true";
        variables["OTEL_DOTNET_EXPERIMENTAL_HTTPCLIENT_DISABLE_URL_QUERY_REDACTION"] = "true";
        variables["OTEL_BLRP_SCHEDULE_DELAY"] = "1000";
        variables["OTEL_BSP_SCHEDULE_DELAY"] = "1000";
        variables["OTEL_METRIC_EXPORT_INTERVAL"] = "1000";
        variables["OTEL_TRACES_SAMPLER"] = "always_on";
        variables["OTEL_METRICS_EXEMPLAR_FILTER"] = "trace_based";
        variables["OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT"] = "true";
    }

    static void AddConsole(EnvironmentCallbackContext context)
    {
        context.EnvironmentVariables["DOTNET_SYSTEM_CONSOLE_ALLOW_ANSI_COLOR_REDIRECTION"] = "true";
        context.EnvironmentVariables["LOGGING__CONSOLE__FORMATTERNAME"] = "simple";
    }

    static void AddUrls(EnvironmentCallbackContext context, ProjectResource project)
    {
        var endpoints = project.GetEndpoints()
            .Where(e => e.Scheme is "http" or "https" && e.EndpointAnnotation.TargetPortEnvironmentVariable is null)
            .ToArray();
        if (endpoints.Length == 0)
            return;

        var urls = new ReferenceExpressionBuilder();
        foreach (var endpoint in endpoints)
        {
            if (!urls.IsEmpty)
                urls.AppendLiteral(";");
            urls.Append($"{endpoint.Scheme}://{endpoint.EndpointAnnotation.TargetHost}:{endpoint.Property(EndpointProperty.TargetPort)}");
        }
        context.EnvironmentVariables.TryAdd("ASPNETCORE_URLS", urls.Build());
        if (endpoints.FirstOrDefault(e => e.Scheme is "https") is { } secure)
            context.EnvironmentVariables.TryAdd("ASPNETCORE_HTTPS_PORT", secure.Property(EndpointProperty.Port));
    }

    static void AddProfile(EnvironmentCallbackContext context, SelectedProfile profile)
    {
        context.EnvironmentVariables.TryAdd("DOTNET_LAUNCH_PROFILE", profile.Name);
        foreach (var (name, value) in profile.Profile.EnvironmentVariables)
            context.EnvironmentVariables.TryAdd(name, value);
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

using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;

namespace AspireJobs.Tests.Hosting;

/// <summary>The environment variables that a process receives.</summary>
public sealed class EnvironmentTests
{
    [Fact]
    public async Task A_project_receives_telemetry_console_address_and_launch_profile_and_nothing_else()
    {
        await using var builder = Apps.Create();
        var api = builder.AddProject<Projects.Api>("api");

        var variables = await VariablesAsync(builder, api.Resource);

        Assert.Equal(
            [
                "ASPNETCORE_ENVIRONMENT=Development",
                "ASPNETCORE_URLS=http://localhost:{api.bindings.http.targetPort}",
                "DOTNET_LAUNCH_PROFILE=http",
                "DOTNET_SYSTEM_CONSOLE_ALLOW_ANSI_COLOR_REDIRECTION=true",
                "LOGGING__CONSOLE__FORMATTERNAME=simple",
                "OTEL_BLRP_SCHEDULE_DELAY=1000",
                "OTEL_BSP_SCHEDULE_DELAY=1000",
                "OTEL_DOTNET_EXPERIMENTAL_ASPNETCORE_DISABLE_URL_QUERY_REDACTION=true",
                "OTEL_DOTNET_EXPERIMENTAL_HTTPCLIENT_DISABLE_URL_QUERY_REDACTION=true",
                "OTEL_DOTNET_EXPERIMENTAL_OTLP_RETRY=in_memory",
                "OTEL_EXPORTER_OTLP_ENDPOINT=http://localhost:4317",
                "OTEL_EXPORTER_OTLP_PROTOCOL=grpc",
                "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT=true",
                "OTEL_METRICS_EXEMPLAR_FILTER=trace_based",
                "OTEL_METRIC_EXPORT_INTERVAL=1000",
                "OTEL_SERVICE_NAME=api",
                "OTEL_TRACES_SAMPLER=always_on",
            ],
            variables.Where(variable => variable.Key != "OTEL_RESOURCE_ATTRIBUTES").Select(variable => $"{variable.Key}={Text(variable.Value)}").Order(StringComparer.Ordinal));
        Assert.StartsWith("service.instance.id=", Text(variables["OTEL_RESOURCE_ATTRIBUTES"]));
    }

    [Fact]
    public async Task What_the_author_sets_wins_over_the_launch_profile_only()
    {
        await using var builder = Apps.Create();
        var api = builder.AddProject<Projects.Api>("api").WithEnvironment("ASPNETCORE_ENVIRONMENT", "Staging").WithEnvironment("OTEL_SERVICE_NAME", "other");

        var variables = await VariablesAsync(builder, api.Resource);

        Assert.Equal(("Staging", "other"), (variables["ASPNETCORE_ENVIRONMENT"], variables["OTEL_SERVICE_NAME"]));
    }

    [Fact]
    public async Task A_project_without_a_profile_has_no_endpoints_and_no_environment()
    {
        await using var builder = Apps.Create();
        var api = builder.AddProject<Projects.Api>("api", launchProfileName: null);

        var variables = await VariablesAsync(builder, api.Resource);

        Assert.Empty(api.Resource.Annotations.OfType<EndpointAnnotation>());
        Assert.DoesNotContain(variables.Keys, key => key is "ASPNETCORE_URLS" or "ASPNETCORE_ENVIRONMENT" or "DOTNET_LAUNCH_PROFILE");
    }

    [Fact]
    public async Task A_reference_to_a_project_is_found_by_service_discovery()
    {
        await using var builder = Apps.Create();
        var api = builder.AddProject<Projects.Api>("job-api").WithHttpEndpoint(name: "admin");
        var client = builder.AddSleeper("client").WithReference(api);
        var alias = builder.AddSleeper("alias").WithReference(api, "backend");

        Assert.Equal(
            ["JOB_API_ADMIN={job-api.bindings.admin.url}", "JOB_API_HTTP={job-api.bindings.http.url}", "services__job-api__admin__0={job-api.bindings.admin.url}", "services__job-api__http__0={job-api.bindings.http.url}"],
            Lines(await VariablesAsync(builder, client.Resource)));
        Assert.Equal(
            ["backend_ADMIN={job-api.bindings.admin.url}", "backend_HTTP={job-api.bindings.http.url}", "services__backend__admin__0={job-api.bindings.admin.url}", "services__backend__http__0={job-api.bindings.http.url}"],
            Lines(await VariablesAsync(builder, alias.Resource)));
    }

    [Fact]
    public async Task References_of_every_kind_reach_the_process()
    {
        await using var builder = Apps.Create("--ConnectionStrings:legacy=Server=old", "--Parameters:secret=p@ss");
        var secret = builder.AddParameter("secret", secret: true);
        var server = builder.AddSleeper("server").WithHttpEndpoint(port: 5123, name: "http");
        var built = builder.AddConnectionString("built", ReferenceExpression.Create($"Key={secret:uri}")).WithConnectionProperty("Key", ReferenceExpression.Create($"{secret}"));
        var legacy = builder.AddConnectionString("legacy");
        var absent = builder.AddConnectionString("absent");
        var external = builder.AddExternalService("ext-1", "https://service.example/");

        var environment = await builder.EnvironmentAsync(probe => probe
            .WithReference(built)
            .WithReference(legacy, connectionName: "renamed")
            .WithReference(absent, optional: true)
            .WithReference(external)
            .WithReference("plain", new Uri("https://plain.example/"))
            .WithReference(server.GetEndpoint("http"))
            .WithEnvironment("TEXT", "a=b")
            .WithEnvironment("EMPTY", (string?)null)
            .WithEnvironment("MIXED", $"[{secret}]"));

        var url = server.GetEndpoint("http").Url;
        Assert.Equal(
            [
                "BUILT_KEY=p@ss", "ConnectionStrings__built=Key=p%40ss", "ConnectionStrings__renamed=Server=old", "EMPTY=", "EXT_1=https://service.example/",
                "MIXED=[p@ss]", $"SERVER_HTTP={url}", "TEXT=a=b", "plain=https://plain.example/", "services__ext-1__https__0=https://service.example/",
                "services__plain__default__0=https://plain.example/", $"services__server__http__0={url}",
            ],
            environment.Select(variable => $"{variable.Key}={variable.Value}"));
    }

    [Theory]
    [InlineData(ReferenceEnvironmentInjectionFlags.None)]
    [InlineData(ReferenceEnvironmentInjectionFlags.ConnectionString, "ConnectionStrings__cache")]
    [InlineData(ReferenceEnvironmentInjectionFlags.ConnectionProperties, "CACHE_HOST", "CACHE_PASSWORD", "CACHE_PORT", "CACHE_URI")]
    [InlineData(ReferenceEnvironmentInjectionFlags.Endpoints, "API_HTTP")]
    [InlineData(ReferenceEnvironmentInjectionFlags.ServiceDiscovery, "services__api__http__0")]
    [InlineData(ReferenceEnvironmentInjectionFlags.All, "API_HTTP", "CACHE_HOST", "CACHE_PASSWORD", "CACHE_PORT", "CACHE_URI", "ConnectionStrings__cache", "services__api__http__0")]
    public async Task The_author_chooses_what_a_reference_injects(ReferenceEnvironmentInjectionFlags flags, params string[] expected)
    {
        await using var builder = Apps.Create();
        var client = builder.AddSleeper("client")
            .WithReference(builder.AddRedis("cache"))
            .WithReference(builder.AddProject<Projects.Api>("api"))
            .WithReferenceEnvironment(flags);

        Assert.Equal(expected, (await VariablesAsync(builder, client.Resource)).Keys.Order(StringComparer.Ordinal));
    }

    static async Task<Dictionary<string, object>> VariablesAsync(IDistributedApplicationBuilder builder, IResource resource)
    {
        var context = new EnvironmentCallbackContext(builder.ExecutionContext, resource);
        foreach (var annotation in resource.Annotations.OfType<EnvironmentCallbackAnnotation>())
            await annotation.Callback(context);
        return context.EnvironmentVariables;
    }

    static IEnumerable<string> Lines(Dictionary<string, object> variables) =>
        variables.Select(variable => $"{variable.Key}={Text(variable.Value)}").Order(StringComparer.Ordinal);

    static string Text(object value) => value is IManifestExpressionProvider expression ? expression.ValueExpression : (string)value;
}

using System.ComponentModel;
using System.Diagnostics;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

/// <summary>What watches the system on a developer's machine, from the files in <c>dashboards/</c>.</summary>
static partial class ObservabilityExtensions
{
    const string Dashboards = "../dashboards";

    /// <summary>
    /// With <c>Observability:Enabled=true</c>, when the application runs: Prometheus, Grafana, Loki and Jaeger behind a collector, in containers.
    /// Without a container engine (or with <c>Observability:Containers=false</c>) the machine's own Prometheus, if it is installed. To be called
    /// last: it tells every project before it where the collector is.
    /// </summary>
    public static void AddObservability(this IDistributedApplicationBuilder builder, IResourceBuilder<ProjectResource> api)
    {
        if (!builder.ExecutionContext.IsRunMode || !builder.Configuration.GetValue("Observability:Enabled", false))
            return;
        if (builder.Configuration.GetValue<bool?>("Observability:Containers") ?? ContainerEngineAnswers())
            builder.AddContainers();
        else if (IsInstalled("prometheus"))
            builder.AddInstalledPrometheus(api);
        else
            builder.OnBeforeStart((start, _) =>
            {
                NothingWatches(start.Services.GetRequiredService<ILoggerFactory>().CreateLogger("AppHost"));
                return Task.CompletedTask;
            });
    }

    static void AddContainers(this IDistributedApplicationBuilder builder)
    {
        var prometheus = builder.AddContainer("prometheus", "prom/prometheus", "v3.5.0")
            .WithBindMount($"{Dashboards}/prometheus", "/etc/prometheus", isReadOnly: true)
            .WithVolume("aspirejobs-prometheus", "/prometheus")
            // The services push through the collector: a container does not reach what listens on this machine's loopback.
            .WithArgs("--config.file=/etc/prometheus/prometheus.otlp.yml", "--storage.tsdb.path=/prometheus", "--web.enable-otlp-receiver", "--enable-feature=exemplar-storage")
            .WithHttpEndpoint(port: 9090, targetPort: 9090);
        var loki = builder.AddContainer("loki", "grafana/loki", "3.5.3")
            .WithBindMount($"{Dashboards}/loki", "/etc/aspirejobs", isReadOnly: true)
            .WithArgs("-config.file=/etc/aspirejobs/loki.yml")
            .WithHttpEndpoint(targetPort: 3100);
        var jaeger = builder.AddContainer("jaeger", "jaegertracing/jaeger", "2.9.0")
            .WithHttpEndpoint(targetPort: 16686)
            .WithEndpoint(targetPort: 4317, scheme: "http", name: "otlp");
        var collector = builder.AddContainer("collector", "otel/opentelemetry-collector-contrib", "0.131.1")
            .WithBindMount($"{Dashboards}/otel-collector", "/etc/otel-collector", isReadOnly: true)
            .WithArgs("--config=/etc/otel-collector/config.yml")
            .WithEndpoint(targetPort: 4317, scheme: "http", name: "grpc")
            .WithEnvironment("PROMETHEUS_URL", prometheus.GetEndpoint("http"))
            .WithEnvironment("LOKI_URL", loki.GetEndpoint("http"))
            .WithEnvironment("JAEGER_OTLP_URL", jaeger.GetEndpoint("otlp"))
            // The Aspire dashboard goes on to get everything.
            .WithEnvironment("ASPIRE_OTLP_URL", FromContainer(builder.Configuration["ASPIRE_DASHBOARD_OTLP_ENDPOINT_URL"] ?? "http://localhost:18889"))
            .WithEnvironment("ASPIRE_OTLP_API_KEY", builder.Configuration["AppHost:OtlpApiKey"] ?? "");
        builder.AddContainer("grafana", "grafana/grafana", "12.1.1")
            .WithBindMount($"{Dashboards}/grafana/provisioning", "/etc/grafana/provisioning", isReadOnly: true)
            .WithBindMount($"{Dashboards}/grafana/dashboards", "/var/lib/aspirejobs/dashboards", isReadOnly: true)
            .WithEnvironment("ASPIREJOBS_DASHBOARDS", "/var/lib/aspirejobs/dashboards")
            .WithEnvironment("GF_AUTH_ANONYMOUS_ENABLED", "true")
            .WithEnvironment("GF_AUTH_ANONYMOUS_ORG_ROLE", "Viewer")
            .WithEnvironment("PROMETHEUS_URL", prometheus.GetEndpoint("http"))
            .WithEnvironment("LOKI_URL", loki.GetEndpoint("http"))
            .WithEnvironment("JAEGER_URL", jaeger.GetEndpoint("http"))
            .WithHttpEndpoint(port: 3000, targetPort: 3000);

        foreach (var project in builder.Resources.OfType<ProjectResource>())
            builder.CreateResourceBuilder(project)
                .WithEnvironment("OTEL_EXPORTER_OTLP_ENDPOINT", collector.GetEndpoint("grpc"))
                .WithEnvironment("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc");
    }

    static void AddInstalledPrometheus(this IDistributedApplicationBuilder builder, IResourceBuilder<ProjectResource> api)
    {
        var files = Path.GetFullPath(Path.Combine(builder.AppHostDirectory, Dashboards, "prometheus"));
        var data = Path.GetFullPath(Path.Combine(builder.AppHostDirectory, builder.Configuration["Observability:Data"] ?? "../.data/prometheus"));
        var prometheus = builder.AddExecutable("prometheus", "prometheus", files)
            .WithHttpEndpoint(port: 9090, isProxied: false)
            .WithHttpHealthCheck("/-/ready")
            .WaitFor(api);
        prometheus.WithArgs(context =>
        {
            Directory.CreateDirectory(data);
            var configuration = Path.Combine(data, "prometheus.yml");
            // The file as it is, with this run's addresses in it.
            File.WriteAllText(configuration, File.ReadAllText(Path.Combine(files, "prometheus.yml"))
                .Replace("http://localhost:8080", api.GetEndpoint("http").Url, StringComparison.Ordinal)
                .Replace("- recording.yml", $"- {files}/recording.yml", StringComparison.Ordinal)
                .Replace("- alerts.yml", $"- {files}/alerts.yml", StringComparison.Ordinal));
            context.Args.Add($"--config.file={configuration}");
            context.Args.Add($"--storage.tsdb.path={data}/data");
            context.Args.Add(ReferenceExpression.Create($"--web.listen-address=127.0.0.1:{prometheus.GetEndpoint("http").Property(EndpointProperty.TargetPort)}"));
            context.Args.Add("--enable-feature=exemplar-storage");
        });
    }

    // Where a container finds what listens on this machine.
    static string FromContainer(string url) => new UriBuilder(url) { Host = "host.docker.internal" }.Uri.ToString();

    static bool ContainerEngineAnswers() => Succeeds("docker", "info") || Succeeds("podman", "info");

    static bool IsInstalled(string program) => Succeeds(program, "--version");

    static bool Succeeds(string program, string argument)
    {
        try
        {
            using var process = Process.Start(new ProcessStartInfo(program, [argument]) { RedirectStandardOutput = true, RedirectStandardError = true })!;
            process.OutputDataReceived += (_, _) => { };
            process.ErrorDataReceived += (_, _) => { };
            process.BeginOutputReadLine();
            process.BeginErrorReadLine();
            process.WaitForExit();
            return process.ExitCode == 0;
        }
        catch (Win32Exception)
        {
            // It is not there.
            return false;
        }
    }

    [LoggerMessage(LogLevel.Warning, "Nothing watches the system, although Observability:Enabled is true: no container engine answers, and prometheus is not installed (on Debian: apt-get install prometheus).")]
    static partial void NothingWatches(ILogger logger);
}

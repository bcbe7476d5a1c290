using System.Net.Http.Json;
using System.Text.Json;
using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Testing;
using AspireJobs.Tests.Infrastructure;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace AspireJobs.Tests.EndToEnd;

/// <summary>What the AppHost starts to watch the system, when asked to.</summary>
public sealed class ObservabilityTests : IDisposable
{
    readonly DirectoryInfo _data = Directory.CreateTempSubdirectory("aspirejobs-test-");

    static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Without_a_container_engine_the_machines_prometheus_scrapes_every_process_and_takes_the_rules()
    {
        var builder = await CreateAsync("--Observability:Containers=false", $"--Observability:Data={_data.FullName}");
        await using var app = await builder.BuildAsync(Stop);
        await app.StartAsync(Stop);
        await app.ResourceNotifications.WaitForResourceHealthyAsync("prometheus", Stop);
        using var prometheus = app.CreateHttpClient("prometheus");

        var up = new List<string>();
        while (up.Count < 4)
        {
            await Task.Delay(TimeSpan.FromMilliseconds(500), TimeProvider.System, Stop);
            up = [.. (await DataAsync("/api/v1/query?query=up%20==%201")).GetProperty("result").EnumerateArray().Select(series => series.GetProperty("metric").GetProperty("job").GetString()!)];
        }

        Assert.Equal(["api", "webhooks", "worker", "worker"], up.Order());
        Assert.Equal(2, (await DataAsync("/api/v1/rules")).GetProperty("groups").GetArrayLength());

        async Task<JsonElement> DataAsync(string path) => (await prometheus.GetFromJsonAsync<JsonElement>(path, Stop)).GetProperty("data");
    }

    [Fact]
    public async Task With_a_container_engine_the_services_export_to_a_collector_that_feeds_the_stack()
    {
        var builder = await CreateAsync("--Observability:Containers=true");
        var containers = builder.Resources.OfType<ContainerResource>().Where(container => container is not (RedisResource or PostgresServerResource)).ToList();

        Assert.Equal(["collector", "grafana", "jaeger", "loki", "prometheus"], containers.Select(container => container.Name).Order());
        var mounts = containers.SelectMany(container => container.Annotations.OfType<ContainerMountAnnotation>()).Where(mount => mount.Type == ContainerMountType.BindMount).ToList();
        Assert.All(mounts, mount => Assert.True(Directory.Exists(mount.Source), mount.Source));
        // What the arguments name is in what is mounted.
        foreach (var file in new[] { "prometheus/prometheus.otlp.yml", "loki/loki.yml", "otel-collector/config.yml", "grafana/provisioning/datasources/aspirejobs.yml" })
            Assert.True(File.Exists(Repository.Path($"dashboards/{file}")), file);
        foreach (var project in builder.Resources.OfType<ProjectResource>())
        {
            var variables = new Dictionary<string, object>();
            var context = new EnvironmentCallbackContext(builder.ExecutionContext, project, variables, Stop);
            foreach (var callback in project.Annotations.OfType<EnvironmentCallbackAnnotation>())
                await callback.Callback(context);
            Assert.Equal("collector", Assert.IsType<EndpointReference>(variables["OTEL_EXPORTER_OTLP_ENDPOINT"]).Resource.Name);
        }
    }

    [Fact]
    public async Task Nothing_of_it_is_there_unless_asked_for()
    {
        var builder = await DistributedApplicationTestingBuilder.CreateAsync<Projects.AppHost>([], Stop);

        Assert.DoesNotContain(builder.Resources, resource => resource.Name is "prometheus" or "collector" or "grafana" or "loki" or "jaeger");
    }

    static async Task<IDistributedApplicationTestingBuilder> CreateAsync(params string[] settings)
    {
        var builder = await DistributedApplicationTestingBuilder.CreateAsync<Projects.AppHost>(["--Parameters:admin-api-key=aj_admin-key-of-the-test", "--Observability:Enabled=true", .. settings], Stop);
        builder.Services.AddLogging(logging => logging.ClearProviders());
        return builder;
    }

    public void Dispose() => _data.Delete(recursive: true);
}

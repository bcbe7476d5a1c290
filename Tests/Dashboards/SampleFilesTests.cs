using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using AspireJobs.ServiceDefaults;
using AspireJobs.Tests.Infrastructure;

namespace AspireJobs.Tests.Dashboards;

/// <summary>What stands beside the rules and dashboards: they name each other rightly.</summary>
public sealed partial class SampleFilesTests
{
    [Fact]
    public Task Alertmanager_takes_its_configuration() =>
        Checker.AcceptsAsync("amtool", "prometheus-alertmanager", ["check-config", Repository.Path("dashboards/alertmanager/alertmanager.yml")]);

    [Fact]
    public void Alertmanager_is_told_only_of_alerts_that_exist()
    {
        var rules = Read("dashboards/prometheus/alerts.yml");

        Assert.All(AlertName().Matches(Read("dashboards/alertmanager/alertmanager.yml")), match => Assert.Contains($"alert: {match.Groups[1].Value}\n", rules));
    }

    [Fact]
    public void Links_between_the_data_sources_lead_somewhere()
    {
        var sources = Read("dashboards/grafana/provisioning/datasources/aspirejobs.yml");
        var known = Uid().Matches(sources).Select(match => match.Groups[1].Value).ToHashSet();

        Assert.Equal(["jaeger", "loki", "prometheus"], known.Order());
        Assert.All(LinkedUid().Matches(sources), match => Assert.Contains(match.Groups[1].Value, known));
    }

    [Fact]
    public void The_ingest_pipeline_gives_the_keys_that_the_ecs_format_has()
    {
        var pipeline = JsonNode.Parse(Read("dashboards/elastic/ingest-pipeline.json"))!;
        var renamed = pipeline["processors"]!.AsArray().Select(processor => processor!["rename"]).OfType<JsonNode>()
            .ToDictionary(rename => ((string)rename["field"]!)["aspirejobs.".Length..], rename => (string)rename["target_field"]!);

        var (ours, ecs) = (LogKeys.Default, LogKeys.Ecs);
        foreach (var (from, to) in new[]
        {
            (ours.Timestamp, ecs.Timestamp), (ours.Level, ecs.Level), (ours.Event, ecs.Event), (ours.Logger, ecs.Logger), (ours.Service, ecs.Service),
            (ours.Instance, ecs.Instance), (ours.TraceId, ecs.TraceId), (ours.SpanId, ecs.SpanId),
            ("error", ecs.Field("error", withException: false)), ("error_type", ecs.Field("error_type", withException: false)), ("error_message", ecs.Field("error_message", withException: false)),
        })
            Assert.Equal(to, renamed[from]);
    }

    static string Read(string path) => File.ReadAllText(Repository.Path(path));

    [GeneratedRegex(@"alertname = (\w+)")]
    private static partial Regex AlertName();

    [GeneratedRegex(@"\n    uid: (\w+)")]
    private static partial Regex Uid();

    [GeneratedRegex(@"datasourceUid: (\w+)")]
    private static partial Regex LinkedUid();
}

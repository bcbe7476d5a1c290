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
    public async Task A_log_line_and_its_trace_find_each_other_by_metadata_that_lines_have_however_they_come()
    {
        var sources = (await YamlAsync("dashboards/grafana/provisioning/datasources/aspirejobs.yml"))["datasources"]!.AsArray().Select(source => source!["jsonData"]!);
        var link = Assert.Single(sources.Select(source => source["derivedFields"]).OfType<JsonArray>())[0]!;
        var query = (string)Assert.Single(sources.Select(source => source["tracesToLogsV2"]).OfType<JsonObject>())["query"]!;

        Assert.Equal("label", (string)link["matcherType"]!);
        Assert.Contains((string)link["matcherRegex"]!, LokiMetadata());
        Assert.EndsWith($" | {link["matcherRegex"]}=\"$${{__trace.traceId}}\"", query);
    }

    [Fact]
    public async Task A_span_leads_to_figures_of_its_service()
    {
        var sources = (await YamlAsync("dashboards/grafana/provisioning/datasources/aspirejobs.yml"))["datasources"]!.AsArray().Select(source => source!["jsonData"]!);
        var link = Assert.Single(sources.Select(source => source["tracesToMetrics"]).OfType<JsonObject>());

        Assert.Equal(("service.name", "job"), ((string)link["tags"]![0]!["key"]!, (string)link["tags"]![0]!["value"]!));
        Assert.All(link["queries"]!.AsArray(), query =>
        {
            Assert.Contains("{$$__tags}", (string)query!["query"]!);
            Metrics.AssertDeclared((string)query["query"]!);
        });
    }

    [Fact]
    public void The_ingest_pipeline_gives_the_keys_that_the_ecs_format_has()
    {
        var renamed = Processors("rename").ToDictionary(rename => ((string)rename["field"]!)["aspirejobs.".Length..], rename => (string)rename["target_field"]!);

        var (ours, ecs) = (LogKeys.Default, LogKeys.Ecs);
        foreach (var (from, to) in new[]
        {
            (ours.Level, ecs.Level), (ours.Event, ecs.Event), (ours.Logger, ecs.Logger), (ours.Service, ecs.Service),
            (ours.Instance, ecs.Instance), (ours.TraceId, ecs.TraceId), (ours.SpanId, ecs.SpanId),
            ("error", ecs.Field("error", withException: false)), ("error_type", ecs.Field("error_type", withException: false)), ("error_message", ecs.Field("error_message", withException: false)),
        })
            Assert.Equal(to, renamed[from]);

        var script = (string)Assert.Single(Processors("script"))["source"]!;
        var objects = script[script.IndexOf("def objects = [", StringComparison.Ordinal)..].Split(']')[0].Split('\'').Where((_, index) => index % 2 == 1).ToArray();
        Assert.True(objects.Length > 40);
        Assert.All(objects, name => Assert.Equal($"fields.{name}", ecs.Field(name, withException: false)));
    }

    [Fact]
    public void The_ingest_pipeline_puts_the_time_of_the_line_in_the_place_of_the_shippers()
    {
        var date = Assert.Single(Processors("date"));

        Assert.Equal($"aspirejobs.{LogKeys.Default.Timestamp}", (string)date["field"]!);
        Assert.Equal("ISO8601", (string)Assert.Single(date["formats"]!.AsArray())!);
        // A rename fails where the target is there already; a date goes to @timestamp unless it has another target.
        Assert.Null(date["target_field"]);
        Assert.DoesNotContain(LogKeys.Ecs.Timestamp, Processors("rename").Select(rename => (string)rename["target_field"]!));
        Assert.Contains((string)date["field"]!, Processors("remove").Select(remove => (string)remove["field"]!));
    }

    [Fact]
    public async Task The_collector_has_every_part_that_its_pipelines_name_and_sends_all_three_signals_on()
    {
        var collector = await YamlAsync("dashboards/otel-collector/config.yml");
        var pipelines = collector["service"]!["pipelines"]!.AsObject();

        foreach (var (_, pipeline) in pipelines)
            foreach (var kind in new[] { "receivers", "processors", "exporters" })
                Assert.Subset(Names(collector[kind]), pipeline![kind]!.AsArray().Select(part => (string)part!).ToHashSet());
        Assert.Superset(new HashSet<string> { "traces", "metrics", "logs" }, pipelines.Select(pipeline => pipeline.Key).ToHashSet());
        var variables = Variable().Matches(Read("dashboards/otel-collector/config.yml")).Select(match => match.Groups[1].Value).Distinct();
        Assert.All(variables, variable => Assert.Contains($"\"{variable}\"", Read("AppHost/ObservabilityExtensions.cs")));

        static HashSet<string> Names(JsonNode? parts) => parts!.AsObject().Select(part => part.Key).ToHashSet();
    }

    [Fact]
    public async Task Loki_takes_the_labels_of_the_agent_from_log_records_too()
    {
        var loki = await YamlAsync("dashboards/loki/loki.yml");

        var labels = loki["limits_config"]!["otlp_config"]!["resource_attributes"]!["attributes_config"]![0]!["attributes"]!.AsArray().Select(label => (string)label!);
        Assert.Equal(Block("stage.labels"), labels.Order());
        Assert.All(labels.Append("event").Append("trace_id"), name => Assert.Contains($"attributes[\"{name}\"]", Read("dashboards/otel-collector/config.yml")));
    }

    [Fact]
    public Task Prometheus_takes_the_configuration_for_metrics_that_are_pushed() =>
        Promtool.AcceptsAsync("check", "config", Repository.Path("dashboards/prometheus/prometheus.otlp.yml"));

    [Theory]
    [InlineData("critical", "on-call")]
    [InlineData("warning", "team")]
    public async Task Alertmanager_sends_an_alert_to_who_is_to_hear_of_it(string severity, string receiver) =>
        Assert.Equal(receiver, (await Checker.AcceptsAsync("amtool", "prometheus-alertmanager",
            ["config", "routes", "test", $"--config.file={Repository.Path("dashboards/alertmanager/alertmanager.yml")}", $"severity={severity}"])).Trim());

    /// <summary>What the agent gives Loki beside the labels.</summary>
    public static string[] LokiMetadata() => Block("stage.structured_metadata");

    static string[] Block(string stage)
    {
        var alloy = Read("dashboards/loki/alloy.config");
        var body = alloy[alloy.IndexOf(stage, StringComparison.Ordinal)..];
        return [.. Key().Matches(body[..body.IndexOf("\n  }", StringComparison.Ordinal)]).Select(match => match.Groups[1].Value).Order()];
    }

    static IEnumerable<JsonNode> Processors(string type) =>
        JsonNode.Parse(Read("dashboards/elastic/ingest-pipeline.json"))!["processors"]!.AsArray().Select(processor => processor![type]).OfType<JsonNode>();

    static async Task<JsonNode> YamlAsync(string path) => JsonNode.Parse(
        await Checker.AcceptsAsync("/usr/bin/python3", "python3-yaml", ["-c", "import sys, json, yaml; print(json.dumps(yaml.safe_load(sys.stdin), default=str))"], Read(path)))!;

    static string Read(string path) => File.ReadAllText(Repository.Path(path));

    [GeneratedRegex(@"\n      (\w+) +=")]
    private static partial Regex Key();

    [GeneratedRegex(@"\$\{env:(\w+)\}")]
    private static partial Regex Variable();

    [GeneratedRegex(@"alertname = (\w+)")]
    private static partial Regex AlertName();

    [GeneratedRegex(@"\n    uid: (\w+)")]
    private static partial Regex Uid();

    [GeneratedRegex(@"datasourceUid: (\w+)")]
    private static partial Regex LinkedUid();
}

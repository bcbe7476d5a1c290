using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace AspireJobs.Tests.Dashboards;

/// <summary>The dashboards of Grafana.</summary>
public sealed partial class DashboardTests
{
    public static TheoryData<string> Dashboards => [.. Dashboard.Names];

    [Fact]
    public void The_overview_has_the_panels_of_the_specification() => Assert.Equal(
        ["Jobs per minute", "Success rate", "Queue depth", "Job duration", "Active workers", "API latency"],
        Dashboard.Load("overview").Panels.Select(panel => Text(panel["title"])));

    [Fact]
    public void No_two_dashboards_are_called_the_same()
    {
        Assert.Distinct(Dashboard.Names.Select(name => Text(Dashboard.Load(name).Json["uid"])));
        Assert.Distinct(Dashboard.Names.Select(name => Text(Dashboard.Load(name).Json["title"])));
    }

    [Theory]
    [MemberData(nameof(Dashboards))]
    public void A_panel_says_what_it_shows_and_in_which_unit(string name)
    {
        var dashboard = Dashboard.Load(name);
        Assert.Distinct(dashboard.Panels.Select(panel => (int)panel["id"]!));
        Assert.All(dashboard.Panels, panel =>
        {
            Assert.NotEmpty(Text(panel["title"]));
            Assert.NotEmpty(Text(panel["description"]));
            Assert.NotEmpty(Text(panel["fieldConfig"]?["defaults"]?["unit"]));
        });
    }

    [Theory]
    [MemberData(nameof(Dashboards))]
    public void Data_sources_are_variables(string name)
    {
        var dashboard = Dashboard.Load(name);
        var sources = dashboard.Variables.Where(variable => Text(variable["type"]) == "datasource").ToDictionary(variable => $"${{{Text(variable["name"])}}}", variable => Text(variable["query"]));

        Assert.Equal("Data source", Text(dashboard.Variables.First()["label"]));
        foreach (var node in dashboard.Annotations.Concat(dashboard.Panels).Concat(dashboard.Panels.SelectMany(panel => panel["targets"]!.AsArray()).Select(target => target!)))
            Assert.Equal(Text(node["datasource"]?["type"]), sources[Text(node["datasource"]?["uid"])]);
    }

    [Theory]
    [MemberData(nameof(Dashboards))]
    public void Services_and_instances_can_be_chosen_in_every_panel(string name)
    {
        var dashboard = Dashboard.Load(name);

        var chosen = dashboard.Variables.Where(variable => Text(variable["type"]) == "query").ToList();
        Assert.Equal(["job", "instance"], chosen.Select(variable => Text(variable["name"])));
        Assert.All(chosen, variable => Assert.Equal((true, true, ".+", 2), ((bool)variable["multi"]!, (bool)variable["includeAll"]!, Text(variable["allValue"]), (int)variable["refresh"]!)));
        Assert.All(chosen, variable => Assert.StartsWith("label_values(ansible_api_build_info", Text(variable["definition"])));
        Assert.All(dashboard.Queries("prometheus"), query =>
            Assert.All(Metric().Matches(query.Expression), metric => Assert.Contains("job=~\"$job\",instance=~\"$instance\"}", metric.Groups["selector"].Value)));
    }

    [Theory]
    [MemberData(nameof(Dashboards))]
    public void It_marks_when_a_new_version_came(string name) =>
        Assert.Equal([("New versions", "{{job}} {{version}}")], Dashboard.Load(name).Annotations.Select(annotation => (Text(annotation["name"]), Text(annotation["titleFormat"]))));

    [Theory]
    [MemberData(nameof(Dashboards))]
    public void It_changes_only_in_this_repository(string name) => Assert.False((bool)Dashboard.Load(name).Json["editable"]!);

    [Theory]
    [MemberData(nameof(Dashboards))]
    public void Panels_lie_on_the_grid_without_overlap(string name)
    {
        var cells = Dashboard.Load(name).Panels.Select(panel => panel["gridPos"]!).SelectMany(at =>
            from x in Enumerable.Range((int)at["x"]!, (int)at["w"]!)
            from y in Enumerable.Range((int)at["y"]!, (int)at["h"]!)
            select (x, y)).ToList();

        Assert.Distinct(cells);
        Assert.All(cells, cell => Assert.InRange(cell.x, 0, 23));
    }

    [Theory]
    [MemberData(nameof(Dashboards))]
    public void It_names_only_metrics_that_exist(string name) =>
        Metrics.AssertDeclared(string.Join('\n', Dashboard.Load(name).Queries("prometheus").Select(query => query.Expression)));

    [Theory]
    [MemberData(nameof(Dashboards))]
    public void Counters_stand_only_inside_a_rate(string name) => Assert.All(Dashboard.Load(name).Queries("prometheus"), query =>
        Assert.All(Counter().Matches(query.Expression), counter => Assert.Matches(@"(rate|increase)\($", query.Expression[..counter.Index])));

    [Theory]
    [MemberData(nameof(Dashboards))]
    public void Log_queries_ask_for_labels_that_lines_have(string name) => Assert.All(Dashboard.Load(name).Queries("loki"), query =>
    {
        Assert.Matches(@"\{service=", query.Expression);
        Assert.DoesNotContain("$__interval", query.Expression);
        var metadata = SampleFilesTests.LokiMetadata();
        Assert.All(LogField().Matches(query.Expression), field => Assert.Contains(field.Groups[1].Value, metadata));
    });

    [Theory]
    [MemberData(nameof(Dashboards))]
    public async Task Prometheus_understands_every_expression(string name)
    {
        var rules = Dashboard.Load(name).Queries("prometheus").Select((query, index) =>
            new { record = $"panel:{index}", expr = Dashboard.Filled(query.Expression, "5m") });
        var file = Path.GetTempFileName();
        try
        {
            // JSON is YAML as well.
            await File.WriteAllTextAsync(file, JsonSerializer.Serialize(new { groups = new[] { new { name, rules } } }), TestContext.Current.CancellationToken);
            await Promtool.AcceptsAsync("check", "rules", "--lint=all", "--lint-fatal", file);
        }
        finally
        {
            File.Delete(file);
        }
    }

    static string Text(JsonNode? node) => Dashboard.Text(node);

    [GeneratedRegex(@"\b(ansible_api_|dotnet_|otel_sdk_)\w+(?<selector>\{[^}]*\})?")]
    private static partial Regex Metric();

    [GeneratedRegex(@"(?:\| |by \()(\w+)(?==|\))")]
    private static partial Regex LogField();

    [GeneratedRegex(@"\w+_(total|bucket|count|sum)\b(?=[{\[])")]
    private static partial Regex Counter();
}

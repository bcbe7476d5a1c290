using System.Text.Json;
using System.Text.Json.Nodes;
using AspireJobs.Tests.Infrastructure;

namespace AspireJobs.Tests.Dashboards;

/// <summary>The overview in Grafana.</summary>
public sealed class OverviewDashboardTests
{
    const string DataSource = "${datasource}";

    static readonly JsonNode Dashboard =
        JsonNode.Parse(File.ReadAllText(Repository.Path("dashboards/grafana/dashboards/overview.json")))!;

    static readonly JsonNode[] Panels = [.. Dashboard["panels"]!.AsArray().Select(panel => panel!)];

    static IEnumerable<JsonNode> Targets => Panels.SelectMany(panel => panel["targets"]!.AsArray()).Select(target => target!);

    static IEnumerable<string> Expressions => Targets.Select(target => Text(target["expr"]));

    [Fact]
    public void It_has_the_panels_of_the_specification() => Assert.Equal(
        ["Jobs per minute", "Success rate", "Queue depth", "Job duration", "Active workers", "API latency"],
        Panels.Select(panel => Text(panel["title"])));

    [Fact]
    public void A_panel_says_what_it_shows_and_in_which_unit() => Assert.All(Panels, panel =>
    {
        Assert.NotEmpty(Text(panel["description"]));
        Assert.NotEmpty(Text(panel["fieldConfig"]?["defaults"]?["unit"]));
    });

    [Fact]
    public void Its_data_source_is_a_variable()
    {
        var variable = Assert.Single(Dashboard["templating"]!["list"]!.AsArray());

        Assert.Equal(("datasource", "datasource", "prometheus"), (Text(variable!["name"]), Text(variable["type"]), Text(variable["query"])));
        Assert.All(Panels.Concat(Targets), node => Assert.Equal(DataSource, Text(node["datasource"]?["uid"])));
    }

    [Fact]
    public void It_changes_only_in_this_repository() => Assert.False((bool)Dashboard["editable"]!);

    [Fact]
    public void Panels_lie_on_the_grid_without_overlap()
    {
        var cells = Panels.Select(panel => panel["gridPos"]!).SelectMany(at =>
            from x in Enumerable.Range((int)at["x"]!, (int)at["w"]!)
            from y in Enumerable.Range((int)at["y"]!, (int)at["h"]!)
            select (x, y)).ToList();

        Assert.Distinct(cells);
        Assert.All(cells, cell => Assert.InRange(cell.x, 0, 23));
    }

    [Fact]
    public void It_names_only_metrics_that_exist() => Metrics.AssertDeclared(string.Join('\n', Expressions));

    [Fact]
    public async Task Prometheus_understands_every_expression()
    {
        var rules = Expressions.Select((expression, index) =>
            new { record = $"panel:{index}", expr = expression.Replace("$__rate_interval", "5m", StringComparison.Ordinal) });
        var file = Path.GetTempFileName();
        try
        {
            // JSON is YAML as well.
            await File.WriteAllTextAsync(file, JsonSerializer.Serialize(new { groups = new[] { new { name = "overview", rules } } }), TestContext.Current.CancellationToken);
            await Promtool.AcceptsAsync("check", "rules", "--lint=all", "--lint-fatal", file);
        }
        finally
        {
            File.Delete(file);
        }
    }

    static string Text(JsonNode? node) => (string?)node ?? "";
}

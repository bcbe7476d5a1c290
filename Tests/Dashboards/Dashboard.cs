using System.Text.Json.Nodes;
using AspireJobs.Tests.Infrastructure;

namespace AspireJobs.Tests.Dashboards;

/// <summary>A dashboard of Grafana.</summary>
sealed record Dashboard(JsonNode Json)
{
    const string Folder = "dashboards/grafana/dashboards";

    public static IEnumerable<string> Names => Directory.EnumerateFiles(Repository.Path(Folder), "*.json").Select(file => Path.GetFileNameWithoutExtension(file)).Order();

    public static Dashboard Load(string name) => new(JsonNode.Parse(File.ReadAllText(Repository.Path($"{Folder}/{name}.json")))!);

    public IReadOnlyList<JsonNode> Panels { get; } = [.. Json["panels"]!.AsArray().Select(panel => panel!)];

    public IEnumerable<JsonNode> Variables => Json["templating"]!["list"]!.AsArray().Select(variable => variable!);

    /// <summary>What is marked in all panels.</summary>
    public IEnumerable<JsonNode> Annotations => Json["annotations"]!["list"]!.AsArray().Select(annotation => annotation!);

    /// <summary>Title of the panel, or name of the annotation, and expression of each query of a kind of data source, <c>prometheus</c> or <c>loki</c>.</summary>
    public IEnumerable<(string Panel, string Expression)> Queries(string type) =>
        from query in Panels.SelectMany(panel => panel["targets"]!.AsArray(), (panel, target) => (Name: Text(panel["title"]), Node: target!))
            .Concat(Annotations.Select(annotation => (Name: Text(annotation["name"]), Node: annotation)))
        where Text(query.Node["datasource"]?["type"]) == type
        select (query.Name, Text(query.Node["expr"]));

    /// <summary>The expression as Grafana sends it with everything selected.</summary>
    public static string Filled(string expression, string rateInterval) => expression
        .Replace("$__rate_interval", rateInterval, StringComparison.Ordinal).Replace("$job", ".+", StringComparison.Ordinal).Replace("$instance", ".+", StringComparison.Ordinal);

    public static string Text(JsonNode? node) => (string?)node ?? "";
}

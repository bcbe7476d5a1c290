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

    /// <summary>Title of the panel and expression of each query of a kind of data source, <c>prometheus</c> or <c>loki</c>.</summary>
    public IEnumerable<(string Panel, string Expression)> Queries(string type) =>
        from panel in Panels
        from target in panel["targets"]!.AsArray()
        where Text(target!["datasource"]?["type"]) == type
        select (Text(panel["title"]), Text(target["expr"]));

    /// <summary>The expression as Grafana sends it with everything selected.</summary>
    public static string Filled(string expression, string rateInterval) => expression
        .Replace("$__rate_interval", rateInterval, StringComparison.Ordinal).Replace("$job", ".+", StringComparison.Ordinal).Replace("$instance", ".+", StringComparison.Ordinal);

    public static string Text(JsonNode? node) => (string?)node ?? "";
}

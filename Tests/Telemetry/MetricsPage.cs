using System.Globalization;
using System.Text.RegularExpressions;

namespace AspireJobs.Tests.Telemetry;

/// <summary>What a service answers on <c>/metrics</c>.</summary>
public sealed partial record MetricsPage(string Text)
{
    /// <summary>Name and labels of every sample, as written, in the order of the page.</summary>
    public IReadOnlyList<string> Series { get; } = [.. Lines(Text).Select(line => Sample().Match(line).Groups["series"].Value)];

    /// <summary>Names of the labels of a metric's samples, sorted; empty if it is not on the page.</summary>
    public IReadOnlyList<string> Labels(string name) => [.. Lines(Text)
        .Where(line => Sample().Match(line).Groups["name"].Value == name)
        .SelectMany(line => Label().Matches(Sample().Match(line).Groups["labels"].Value).Select(label => label.Groups[1].Value))
        .Distinct().Order(StringComparer.Ordinal)];

    /// <summary>Values of one label of a metric, each once.</summary>
    public IReadOnlyList<string> Values(string name, string label) => [.. Lines(Text)
        .Where(line => Sample().Match(line).Groups["name"].Value == name)
        .SelectMany(line => Label().Matches(Sample().Match(line).Groups["labels"].Value))
        .Where(match => match.Groups[1].Value == label)
        .Select(match => match.Groups[2].Value).Distinct()];

    public double Value(string series) =>
        double.Parse(Sample().Match(Lines(Text).Single(line => Sample().Match(line).Groups["series"].Value == series)).Groups["value"].Value, CultureInfo.InvariantCulture);

    static IEnumerable<string> Lines(string text) => text.Split('\n').Where(line => line.Length > 0 && line[0] != '#');

    [GeneratedRegex("""^(?<series>(?<name>[^{ ]+)(\{(?<labels>([^"}]|"(\\.|[^"\\])*")*)\})?) (?<value>\S+)""")]
    private static partial Regex Sample();

    [GeneratedRegex("""([a-zA-Z_][a-zA-Z0-9_]*)="((?:\\.|[^"\\])*)" *""")]
    private static partial Regex Label();
}

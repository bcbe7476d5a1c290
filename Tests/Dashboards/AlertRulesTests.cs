using System.Text.RegularExpressions;
using AspireJobs.Tests.Infrastructure;

namespace AspireJobs.Tests.Dashboards;

/// <summary>The alerts: what they mean is tested by promtool itself, in alerts.test.yml.</summary>
public sealed partial class AlertRulesTests
{
    const string RulesFile = "dashboards/prometheus/alerts.yml";
    const string RecordingFile = "dashboards/prometheus/recording.yml";
    const string TestsFile = "dashboards/prometheus/alerts.test.yml";
    const string Runbooks = "docs/runbooks";

    static readonly string Rules = File.ReadAllText(Repository.Path(RulesFile));
    static readonly string[] Alerts = [.. AlertName().Matches(Rules).Select(match => match.Groups[1].Value)];

    public static TheoryData<string> AlertNames => [.. Alerts];

    [Fact]
    public Task Prometheus_takes_the_rules() =>
        Promtool.AcceptsAsync("check", "rules", "--lint=all", "--lint-fatal", Repository.Path(RulesFile), Repository.Path(RecordingFile));

    [Fact]
    public Task Prometheus_takes_the_configuration() =>
        Promtool.AcceptsAsync("check", "config", Repository.Path("dashboards/prometheus/prometheus.yml"));

    [Fact]
    public Task Alerts_fire_when_they_should_and_only_then() => Promtool.AcceptsAsync("test", "rules", Repository.Path(TestsFile));

    [Fact]
    public void The_alerts_of_the_specification_are_there() => Assert.Superset(
        new HashSet<string>
        {
            "AnsibleApiJobFailureRatioHigh", "AnsibleApiJobDurationP99High", "AnsibleApiQueueBacklog",
            "AnsibleApiWorkersLow", "AnsibleApiRequestLatencyP99High",
        },
        Alerts.ToHashSet());

    [Theory]
    [MemberData(nameof(AlertNames))]
    public void An_alert_says_how_bad_it_is_what_it_means_and_where_to_read_on(string alert)
    {
        var rule = Rules[Rules.IndexOf($"alert: {alert}\n", StringComparison.Ordinal)..].Split("- alert: ")[0];

        Assert.Matches(@"\n\s+severity: (critical|warning|info)\n", rule);
        Assert.Matches(@"\n\s+component: \w+\n", rule);
        Assert.Matches(@"\n\s+summary: \S", rule);
        Assert.Matches(@"\n\s+description: \S", rule);
        Assert.Contains($"runbook_url: {Runbooks}/{alert}.md\n", rule + "\n");
    }

    [Theory]
    [MemberData(nameof(AlertNames))]
    public void An_alert_is_tested(string alert) =>
        Assert.Contains($"alertname: {alert}\n", File.ReadAllText(Repository.Path(TestsFile)));

    [Fact]
    public void Every_alert_has_a_runbook_and_every_runbook_an_alert()
    {
        var pages = Directory.EnumerateFiles(Repository.Path(Runbooks), "*.md").Select(Path.GetFileNameWithoutExtension);

        Assert.Equal(Alerts.Order(), pages.Order());
    }

    [Fact]
    public void Rules_and_runbooks_name_only_metrics_that_exist()
    {
        Metrics.AssertDeclared(Rules);
        Metrics.AssertDeclared(File.ReadAllText(Repository.Path(RecordingFile)));
        foreach (var page in Directory.EnumerateFiles(Repository.Path(Runbooks), "*.md"))
            Metrics.AssertDeclared(PromQlBlock().Match(File.ReadAllText(page)).Value);
    }

    [GeneratedRegex(@"- alert: (\w+)\n")]
    private static partial Regex AlertName();

    [GeneratedRegex("```promql.*?```", RegexOptions.Singleline)]
    private static partial Regex PromQlBlock();
}

using AspireJobs.Tests.Infrastructure;

namespace AspireJobs.Tests.Dashboards;

/// <summary>Prometheus' own checker.</summary>
static class Promtool
{
    /// <summary>Fails the test with promtool's words unless it accepts what the arguments name.</summary>
    public static Task<string> AcceptsAsync(params string[] arguments) => Checker.AcceptsAsync("promtool", "prometheus", arguments);

    /// <summary>Fails the test with promtool's words unless the page is without fault in form and names.</summary>
    public static Task AcceptsPageAsync(string page) => Checker.AcceptsAsync("promtool", "prometheus", ["check", "metrics"], page);
}

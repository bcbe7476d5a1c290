using System.Diagnostics.Metrics;
using System.Runtime.CompilerServices;
using System.Text.RegularExpressions;
using AspireJobs.Jobs;
using AspireJobs.ServiceDefaults;

namespace AspireJobs.Tests.Dashboards;

/// <summary>The metrics that the services declare, as Prometheus names them.</summary>
static partial class Metrics
{
    /// <summary>Fails the test if the text names a metric that no service has.</summary>
    public static void AssertDeclared(string text) =>
        Assert.Subset(Declared(), Name().Matches(text).Select(match => match.Value).ToHashSet());

    static HashSet<string> Declared()
    {
        foreach (var type in new[] { typeof(JobsTelemetry), typeof(ClusterTelemetry), typeof(WorkerTelemetry), typeof(LogTelemetry) })
            RuntimeHelpers.RunClassConstructor(type.TypeHandle);
        var names = new HashSet<string>();
        using var listener = new MeterListener
        {
            InstrumentPublished = (instrument, _) =>
            {
                if (instrument.Meter.Name.StartsWith(JobsTelemetry.Name, StringComparison.Ordinal))
                    names.UnionWith(Series(instrument));
            },
        };
        listener.Start();
        return names;
    }

    static IEnumerable<string> Series(Instrument instrument) =>
        instrument is Histogram<double> ? [$"{instrument.Name}_bucket", $"{instrument.Name}_sum", $"{instrument.Name}_count"] : [instrument.Name];

    [GeneratedRegex("ansible_api_[a-z_]+")]
    private static partial Regex Name();
}

using System.Diagnostics;
using OpenTelemetry;

namespace AspireJobs.ServiceDefaults;

/// <summary>
/// Drops queries that belong to no trace: those of loops that look every few seconds would fill the trace store with traces of one span.
/// </summary>
sealed class UnaskedQueries : BaseProcessor<Activity>
{
    public override void OnStart(Activity data)
    {
        if (data.Kind != ActivityKind.Client || data.ParentSpanId != default || data.Source.Name != "Npgsql")
            return;
        data.IsAllDataRequested = false;
        data.ActivityTraceFlags &= ~ActivityTraceFlags.Recorded;
    }
}

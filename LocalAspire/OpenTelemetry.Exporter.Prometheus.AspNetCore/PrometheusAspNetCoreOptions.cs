namespace OpenTelemetry.Exporter;

/// <summary>Options of the Prometheus scraping endpoint.</summary>
public class PrometheusAspNetCoreOptions
{
    /// <summary>The path of the endpoint when none is given on mapping. Default: <c>/metrics</c>.</summary>
    public string? ScrapeEndpointPath { get; set; } = "/metrics";

    /// <summary>How long one collection answers further scrapes, in milliseconds; 0 collects for each. Default: 300.</summary>
    public int ScrapeResponseCacheDurationMilliseconds
    {
        get;
        set
        {
            ArgumentOutOfRangeException.ThrowIfNegative(value);
            field = value;
        }
    } = 300;

    /// <summary>Whether every sample carries the labels <c>otel_scope_name</c> and <c>otel_scope_version</c>. Default: true.</summary>
    public bool ScopeInfoEnabled { get; set; } = true;

    /// <summary>Whether the resource is exported as the metric <c>target_info</c>. Default: true.</summary>
    public bool TargetInfoEnabled { get; set; } = true;
}

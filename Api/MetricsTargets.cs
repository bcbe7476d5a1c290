using AspireJobs.Api.Http;
using AspireJobs.Jobs.Instances;
using Microsoft.AspNetCore.Http.HttpResults;
using OpenTelemetry;

namespace AspireJobs.Api;

/// <summary>A group of targets as Prometheus' HTTP service discovery reads it.</summary>
sealed record TargetGroup(IReadOnlyList<string> Targets, IReadOnlyDictionary<string, string> Labels);

/// <summary>
/// <c>GET /metrics/targets</c>: every process that has not stopped in good order, for the <c>http_sd_configs</c> of a Prometheus. Open like <c>/metrics</c>, as
/// it says no more than where that is. When the store cannot be read it answers an error, upon which Prometheus keeps the list it has.
/// </summary>
static class MetricsTargets
{
    public static void MapMetricsTargets(this IEndpointRouteBuilder app) =>
        app.MapGet("/metrics/targets", ListAsync).AnswerHead().DisableHttpMetrics().AllowAnonymous();

    static async Task<Ok<IEnumerable<TargetGroup>>> ListAsync(InstanceStore instances, CancellationToken cancellationToken)
    {
        // The request has no span, so its query would be a trace of its own every few seconds.
        using var untraced = SuppressInstrumentationScope.Begin();
        return TypedResults.Ok((await instances.KnownAsync(cancellationToken))
            .GroupBy(instance => (instance.Service, Encrypted: instance.Address.StartsWith(Instance.Https, StringComparison.Ordinal)))
            .Select(group => new TargetGroup(
                [.. group.Select(instance => group.Key.Encrypted ? instance.Address[Instance.Https.Length..] : instance.Address)],
                new Dictionary<string, string> { ["job"] = group.Key.Service, ["__scheme__"] = group.Key.Encrypted ? "https" : "http" })));
    }
}

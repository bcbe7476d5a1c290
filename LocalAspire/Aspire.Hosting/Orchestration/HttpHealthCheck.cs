using Aspire.Hosting.ApplicationModel;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace LocalAspire;

/// <summary>One client for all health checks of an application.</summary>
sealed class HealthHttpClient() : HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false, UseProxy = false, PooledConnectionLifetime = TimeSpan.Zero })
{
    public static readonly TimeSpan Limit = TimeSpan.FromSeconds(10);
}

sealed class HttpHealthCheck(HealthHttpClient client, Func<CancellationToken, ValueTask<Uri?>> address, int expectedStatus) : IHealthCheck
{
    public HttpHealthCheck(HealthHttpClient client, EndpointReference endpoint, string path, int expectedStatus)
        : this(client, _ => new(endpoint.IsAllocated ? new Uri(new Uri(endpoint.Url), path) : null), expectedStatus) { }

    public async Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        if (await address(cancellationToken) is not { } uri)
            return HealthCheckResult.Unhealthy("The endpoint is not allocated yet.");

        var path = uri.PathAndQuery;
        using var timeout = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        timeout.CancelAfter(HealthHttpClient.Limit);
        try
        {
            using var response = await client.GetAsync(uri, HttpCompletionOption.ResponseHeadersRead, timeout.Token);
            return (int)response.StatusCode == expectedStatus
                ? HealthCheckResult.Healthy()
                : HealthCheckResult.Unhealthy($"{path} answered {(int)response.StatusCode}, not {expectedStatus}.");
        }
        catch (HttpRequestException e)
        {
            return HealthCheckResult.Unhealthy($"{path} cannot be reached: {e.Message}");
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return HealthCheckResult.Unhealthy($"{path} did not answer within {HealthHttpClient.Limit.TotalSeconds} s.");
        }
    }
}

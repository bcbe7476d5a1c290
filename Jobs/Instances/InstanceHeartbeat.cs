using System.Net;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace AspireJobs.Jobs.Instances;

/// <summary>
/// Tells the store every 10 seconds, every second while it is not heard, that this process lives and where it answers: at <c>Metrics:Address</c> (host
/// and port, behind <c>https://</c> where it speaks TLS there) if that is set, else where it listens, without TLS if there is a choice.
/// A process that listens on every address of its machine goes by the machine's name.
/// </summary>
sealed partial class InstanceHeartbeat(
    InstanceStore instances, IServer server, IHostApplicationLifetime lifetime, IHostEnvironment environment, IConfiguration configuration,
    TimeProvider time, ILogger<InstanceHeartbeat> logger) : BackgroundService
{
    static readonly TimeSpan NextTry = TimeSpan.FromSeconds(1);
    static readonly TimeSpan LongestGoodbye = TimeSpan.FromSeconds(2);

    bool _heard = true;

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        // Without the SDK there is no page to ask for.
        if (string.Equals(configuration["OTEL_SDK_DISABLED"], "true", StringComparison.OrdinalIgnoreCase))
            return;
        // The address is known from then on.
        var started = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        using var registration = lifetime.ApplicationStarted.Register(started.SetResult);
        await started.Task.WaitAsync(stoppingToken);
        if (Address() is not { } address)
            return;
        // Not the name that telemetry may be given: alerts ask for api, worker and webhooks.
        var instance = new Instance(environment.ApplicationName.ToLowerInvariant(), address);
        try
        {
            using var timer = new PeriodicTimer(InstanceStore.Renewal, time);
            do
            {
                await TryAsync(instances.BeatAsync(instance, stoppingToken), stoppingToken);
                timer.Period = _heard ? InstanceStore.Renewal : NextTry;
            }
            while (await timer.WaitForNextTickAsync(stoppingToken));
        }
        finally
        {
            using var patience = new CancellationTokenSource(LongestGoodbye, time);
            await TryAsync(instances.LeaveAsync(instance, patience.Token), CancellationToken.None);
        }
    }

    string? Address()
    {
        if (configuration["Metrics:Address"] is { Length: > 0 } given)
            return given;
        if (server.Features.Get<IServerAddressesFeature>()?.Addresses.Select(BindingAddress.Parse).OrderBy(address => address.Scheme).FirstOrDefault() is not { } address)
            return null;
        var everywhere = address.Host is "+" or "*" || (IPAddress.TryParse(address.Host, out var ip) && (ip.Equals(IPAddress.Any) || ip.Equals(IPAddress.IPv6Any)));
        var scheme = address.Scheme == Uri.UriSchemeHttps ? Instance.Https : "";
        return $"{scheme}{(everywhere ? Environment.MachineName : address.Host)}:{address.Port}";
    }

    async Task TryAsync(Task write, CancellationToken stoppingToken)
    {
        try
        {
            await write;
            _heard = true;
        }
        // Whatever it is, an unknown host name for one, which comes as the bare exception of the socket: a beat that is missed ends no process.
        catch (Exception e) when (e is not OperationCanceledException || !stoppingToken.IsCancellationRequested)
        {
            if (_heard)
                Unheard(logger, e);
            _heard = false;
        }
    }

    [LoggerMessage(LogLevel.Warning, "The store does not take the heartbeat of this process, which is tried again until it does; Prometheus may lose sight of it", EventName = "heartbeat_failed")]
    static partial void Unheard(ILogger logger, Exception exception);
}

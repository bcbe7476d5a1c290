using System.Net.Sockets;
using Aspire.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace LocalAspire.Dashboard;

/// <summary>Runs the dashboard beside the application, which neither waits for it nor fails with it.</summary>
sealed class DashboardService(DashboardSettings settings, ResourceService resources, TimeProvider clock, ILogger<DistributedApplication> log) : IHostedService, IAsyncDisposable
{
    // A predecessor may be about to let its ports go.
    static readonly TimeSpan PortPatience = TimeSpan.FromSeconds(5);
    static readonly TimeSpan RetryInterval = TimeSpan.FromMilliseconds(100);

    readonly CancellationTokenSource _stopping = new();
    Task _running = Task.CompletedTask;

    public Task StartAsync(CancellationToken cancellationToken)
    {
        _running = Task.Run(RunAsync, CancellationToken.None);
        return Task.CompletedTask;
    }

    public async Task StopAsync(CancellationToken cancellationToken)
    {
        await _stopping.CancelAsync();
        await _running;
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync(CancellationToken.None);
        _stopping.Dispose();
    }

    async Task RunAsync()
    {
        try
        {
            var address = await resources.StartAsync();
            await WaitForPortsAsync();
            await RunProcessAsync(address);
        }
        catch (OperationCanceledException) when (_stopping.IsCancellationRequested)
        {
            // Stopped before it had started.
        }
        catch (Exception e)
        {
            DashboardLog.Failed(log, e.Message);
        }
    }

    async Task RunProcessAsync(Uri resourceService)
    {
        var program = Path.ChangeExtension(settings.Assembly, null);
        var environment = settings.Environment(resourceService);
        var spec = File.Exists(program)
            ? new LaunchSpec(program, [], Path.GetDirectoryName(settings.Assembly)!) { Environment = environment }
            : new LaunchSpec(DotNet.Command, ["exec", settings.Assembly], Path.GetDirectoryName(settings.Assembly)!) { Environment = environment };
        var lastLines = new LastLines();
        using var process = SupervisedProcess.Start(spec, OnLine, clock);
        using var stop = _stopping.Token.Register(() => _ = process.StopAsync());
        var exitCode = await process.Exited;
        if (!_stopping.IsCancellationRequested)
            DashboardLog.Ended(log, exitCode, lastLines.ToString());

        void OnLine(string line, bool isError)
        {
            lastLines.Add(line);
            if (line.StartsWith("Login to the dashboard", StringComparison.Ordinal) || (settings.BrowserToken is null && line.StartsWith("Now listening on", StringComparison.Ordinal)))
                Announce();
        }
    }

    void Announce()
    {
        DashboardLog.Listening(log, settings.FirstUrl);
        DashboardLog.Login(log, settings.LoginUrl);
    }

    async Task WaitForPortsAsync()
    {
        var start = clock.GetTimestamp();
        while (!settings.Ports.All(IsFree) && clock.GetElapsedTime(start) < PortPatience)
            await Task.Delay(RetryInterval, clock, _stopping.Token);
    }

    static bool IsFree(int port)
    {
        try
        {
            Ports.Check(port);
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }
}

static class DashboardServices
{
    /// <summary>Before the resources are started, and so stopped after them.</summary>
    public static void AddDashboard(this IServiceCollection services, DashboardSettings settings)
    {
        services.AddSingleton(settings);
        services.AddSingleton<SecretValues>();
        services.AddSingleton<ResourceService>();
        services.AddHostedService<DashboardService>();
    }
}

static partial class DashboardLog
{
    [LoggerMessage(11, LogLevel.Information, "Now listening on: {Url}")]
    public static partial void Listening(ILogger logger, string url);

    [LoggerMessage(12, LogLevel.Information, "Login to the dashboard at {Url}")]
    public static partial void Login(ILogger logger, string url);

    [LoggerMessage(13, LogLevel.Warning, "The dashboard ended with exit code {ExitCode}; the application goes on without it. Its last output: {LastWords}")]
    public static partial void Ended(ILogger logger, int exitCode, string lastWords);

    [LoggerMessage(14, LogLevel.Warning, "The dashboard could not be started; the application goes on without it. {Reason}")]
    public static partial void Failed(ILogger logger, string reason);
}

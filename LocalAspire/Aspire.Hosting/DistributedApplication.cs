using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Eventing;
using Aspire.Hosting.Lifecycle;
using LocalAspire;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Aspire.Hosting;

/// <summary>A set of resources that start, run and stop together.</summary>
public class DistributedApplication : IHost, IAsyncDisposable
{
    readonly IHost _host;
    readonly EntryPointIntercept? _intercept;
    readonly ILogger _logger;
    readonly Lazy<Task> _disposal;

    public DistributedApplication(IHost host) : this(host, null) { }

    internal DistributedApplication(IHost host, EntryPointIntercept? intercept)
    {
        ArgumentNullException.ThrowIfNull(host);
        _host = host;
        _intercept = intercept;
        _logger = host.Services.GetRequiredService<ILogger<DistributedApplication>>();
        _disposal = new(DisposeOnceAsync);
    }

    public IServiceProvider Services => _host.Services;

    public ResourceNotificationService ResourceNotifications => Services.GetRequiredService<ResourceNotificationService>();

    public ResourceCommandService ResourceCommands => Services.GetRequiredService<ResourceCommandService>();

    internal bool IsStarted { get; private set; }

    IHostApplicationLifetime Lifetime => Services.GetRequiredService<IHostApplicationLifetime>();

    public static IDistributedApplicationBuilder CreateBuilder() => CreateBuilder([]);

    public static IDistributedApplicationBuilder CreateBuilder(string[] args)
    {
        ArgumentNullException.ThrowIfNull(args);
        return CreateBuilder(new DistributedApplicationOptions { Args = args });
    }

    public static IDistributedApplicationBuilder CreateBuilder(DistributedApplicationOptions options) => new DistributedApplicationBuilder(options);

    /// <summary>Starts everything and returns once the application has been stopped.</summary>
    public void Run() => RunAsync().GetAwaiter().GetResult();

    /// <inheritdoc cref="Run"/>
    /// <remarks>A fault of the model, or a resource that this machine cannot run, is one line on the standard error stream and exit code 1.</remarks>
    public virtual async Task RunAsync(CancellationToken cancellationToken = default)
    {
        if (_intercept is { IsCalledFromEntryPoint: true })
        {
            await _intercept.Ended;
            return;
        }

        string? failure = null;
        try
        {
            await StartAsync(cancellationToken);
            await _host.WaitForShutdownAsync(cancellationToken);
        }
        catch (DistributedApplicationException e)
        {
            failure = e.Message;
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested || Lifetime.ApplicationStopping.IsCancellationRequested)
        {
            // Stopped while starting.
        }
        finally
        {
            await DisposeAsync();
        }
        if (failure is not null)
        {
            await Console.Error.WriteLineAsync($"AppHost: {failure}");
            Environment.ExitCode = 1;
        }
    }

    /// <summary>Starts everything; returns when every resource has been started or has failed to.</summary>
    /// <exception cref="DistributedApplicationException">This machine lacks what a resource needs: a program, a free port, a usable directory.</exception>
    public virtual async Task StartAsync(CancellationToken cancellationToken = default)
    {
        if (_intercept is { IsCalledFromEntryPoint: true })
        {
            await _intercept.Started.WaitAsync(cancellationToken);
            return;
        }

        var context = Services.GetRequiredService<DistributedApplicationExecutionContext>();
        if (context.IsRunMode)
            HostLog.Starting(_logger);
        HostLog.Directory(_logger, Services.GetRequiredService<AppHostLocation>().Directory);
        var eventing = Services.GetRequiredService<IDistributedApplicationEventing>();
        foreach (var subscriber in Services.GetServices<IDistributedApplicationEventingSubscriber>())
            await subscriber.SubscribeAsync(eventing, context, cancellationToken);
        await eventing.PublishAsync(new BeforeStartEvent(Services, Services.GetRequiredService<DistributedApplicationModel>()), cancellationToken);
        await _host.StartAsync(cancellationToken);
        if (context.IsPublishMode)
        {
            await Services.GetRequiredService<ManifestPublisher>().PublishAsync(cancellationToken);
            Lifetime.StopApplication();
            return;
        }
        if (Services.GetRequiredService<StartFailure>().Message is { } message)
            throw new UnableToStartException(message);
        cancellationToken.ThrowIfCancellationRequested();
        Lifetime.ApplicationStopping.ThrowIfCancellationRequested();

        IsStarted = true;
        _intercept?.MarkStarted();
        HostLog.Started(_logger);
    }

    public virtual async Task StopAsync(CancellationToken cancellationToken = default)
    {
        await _host.StopAsync(cancellationToken);
        _intercept?.MarkEnded();
    }

    public virtual void Dispose()
    {
        DisposeAsync().AsTask().GetAwaiter().GetResult();
        GC.SuppressFinalize(this);
    }

    /// <summary>Ends every process first, where that has not been done. A test may dispose the application and its builder in any order.</summary>
    public virtual async ValueTask DisposeAsync()
    {
        await _disposal.Value;
        GC.SuppressFinalize(this);
    }

    async Task DisposeOnceAsync()
    {
        await StopAsync(CancellationToken.None);
        if (_host is IAsyncDisposable disposable)
            await disposable.DisposeAsync();
        else
            _host.Dispose();
    }
}

static partial class HostLog
{
    [LoggerMessage(1, LogLevel.Information, "Distributed application starting.")]
    public static partial void Starting(ILogger logger);

    [LoggerMessage(2, LogLevel.Information, "Application host directory is: {Directory}")]
    public static partial void Directory(ILogger logger, string directory);

    [LoggerMessage(3, LogLevel.Information, "Distributed application started. Press Ctrl+C to shut down.")]
    public static partial void Started(ILogger logger);
}

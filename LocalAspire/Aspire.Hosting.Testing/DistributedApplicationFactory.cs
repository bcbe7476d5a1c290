using LocalAspire;
using LocalAspire.Testing;
using Microsoft.Extensions.Hosting;

namespace Aspire.Hosting.Testing;

/// <summary>Runs the entry point of an AppHost inside of a test; a derived class can step in as it goes along.</summary>
public class DistributedApplicationFactory : IDisposable, IAsyncDisposable
{
    readonly Type _entryPoint;
    readonly string[] _args;
    readonly Lazy<Task<EntryPointTestingBuilder>> _builder;
    readonly CancellationTokenSource _disposal = new();
    DistributedApplication? _application;

    public DistributedApplicationFactory(Type entryPoint) : this(entryPoint, []) { }

    /// <param name="entryPoint">A type of the AppHost's assembly, such as <c>typeof(Projects.AppHost)</c>.</param>
    /// <param name="args">The command line of the AppHost.</param>
    public DistributedApplicationFactory(Type entryPoint, string[] args)
    {
        ArgumentNullException.ThrowIfNull(entryPoint);
        ArgumentNullException.ThrowIfNull(args);
        if (Array.Exists(args, string.IsNullOrEmpty))
            throw new ArgumentException("An argument of the AppHost is null or empty.", nameof(args));
        (_entryPoint, _args) = (entryPoint, args);
        _builder = new(CreateAsync);
    }

    /// <summary>Starts the application; returns when every resource has been started or has failed to.</summary>
    public async Task StartAsync(CancellationToken cancellationToken = default)
    {
        ObjectDisposedException.ThrowIf(_disposal.IsCancellationRequested, this);
        var builder = await _builder.Value.WaitAsync(cancellationToken);
        _application ??= await builder.BuildAsync(cancellationToken);
        await _application.StartAsync(cancellationToken);
    }

    /// <inheritdoc cref="DistributedApplicationHostingTestingExtensions.CreateHttpClient"/>
    public HttpClient CreateHttpClient(string resourceName, string? endpointName = null) => Started().CreateHttpClient(resourceName, endpointName);

    /// <inheritdoc cref="DistributedApplicationHostingTestingExtensions.GetConnectionStringAsync"/>
    public ValueTask<string?> GetConnectionString(string resourceName) => Started().GetConnectionStringAsync(resourceName);

    /// <inheritdoc cref="DistributedApplicationHostingTestingExtensions.GetEndpoint"/>
    public Uri GetEndpoint(string resourceName, string? endpointName = null) => Started().GetEndpoint(resourceName, endpointName);

    public virtual void Dispose()
    {
        DisposeAsync().AsTask().GetAwaiter().GetResult();
        GC.SuppressFinalize(this);
    }

    /// <summary>Ends every process of the application.</summary>
    public virtual async ValueTask DisposeAsync()
    {
        if (!_disposal.IsCancellationRequested)
        {
            await _disposal.CancelAsync();
            if (_builder.IsValueCreated && await _builder.Value.ContinueWith(created => created.IsCompletedSuccessfully, TaskScheduler.Default))
                await (await _builder.Value).DisposeAsync();
        }
        GC.SuppressFinalize(this);
    }

    /// <summary>Before the builder exists.</summary>
    protected virtual void OnBuilderCreating(DistributedApplicationOptions applicationOptions, HostApplicationBuilderSettings hostOptions) { }

    /// <summary>Before Main has added anything to the builder.</summary>
    protected virtual void OnBuilderCreated(DistributedApplicationBuilder applicationBuilder) { }

    /// <summary>When Main has added everything.</summary>
    protected virtual void OnBuilding(DistributedApplicationBuilder applicationBuilder) { }

    /// <summary>Before the application is started.</summary>
    protected virtual void OnBuilt(DistributedApplication application) { }

    Task<EntryPointTestingBuilder> CreateAsync()
    {
        var appHost = _entryPoint.Assembly;
        var intercept = new EntryPointIntercept((options, settings) => TestingDefaults.Apply(options, settings, appHost, _args, OnBuilderCreating))
        {
            OnConstructed = OnBuilderCreated,
            OnBuilding = OnBuilding,
            OnBuilt = OnBuilt,
        };
        return EntryPointTestingBuilder.CreateAsync(intercept, appHost, _disposal.Token);
    }

    DistributedApplication Started()
    {
        ObjectDisposedException.ThrowIf(_disposal.IsCancellationRequested, this);
        return _application ?? throw new InvalidOperationException("The application has not been started.");
    }
}

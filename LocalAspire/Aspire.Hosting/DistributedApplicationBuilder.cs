using System.Reflection;
using System.Security.Cryptography;
using System.Text;
using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Eventing;
using LocalAspire;
using LocalAspire.Dashboard;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Aspire.Hosting;

public class DistributedApplicationBuilder : IDistributedApplicationBuilder
{
    readonly HostApplicationBuilder _host;
    readonly EntryPointIntercept? _intercept;

    public DistributedApplicationBuilder(string[] args) : this(new DistributedApplicationOptions { Args = args }) { }

    public DistributedApplicationBuilder(DistributedApplicationOptions options)
        : this(options, EntryPointIntercept.Current, EntryPointIntercept.Current?.Configure) { }

    internal DistributedApplicationBuilder(
        DistributedApplicationOptions options,
        EntryPointIntercept? intercept,
        Action<DistributedApplicationOptions, HostApplicationBuilderSettings>? configure)
    {
        ArgumentNullException.ThrowIfNull(options);
        _intercept = intercept;
        var settings = new HostApplicationBuilderSettings { Configuration = new() };
        configure?.Invoke(options, settings);

        AppHostAssembly = options.AssemblyName is { } name ? Assembly.Load(name) : Assembly.GetEntryAssembly();
        AppHostDirectory = options.ProjectDirectory ?? AppHostMetadata.Directory(AppHostAssembly) ?? Directory.GetCurrentDirectory();
        _host = new(Complete(settings, options));
        var secrets = AppHostSecrets.Load(_host.Configuration, AppHostAssembly);
        _host.Configuration.AddCommandLine(options.Args ?? [], PublishSwitches.Mappings);
        ExecutionContext = new(
            PublishSwitches.ArePresent(_host.Configuration) ? DistributedApplicationOperation.Publish : DistributedApplicationOperation.Run,
            _host.Configuration[PublishSwitches.Publisher] ?? "manifest");
        AppHostPath = Path.Join(AppHostDirectory, AppHostMetadata.FileName(AppHostAssembly) ?? _host.Environment.ApplicationName);
        AddIdentity();

        AddLogging();
        AddServices(options, secrets);
        if (DashboardSettings.Create(_host.Configuration, options, ExecutionContext, AppHostAssembly, _host.Environment.ApplicationName) is { } dashboard)
            Services.AddDashboard(dashboard);
        if (ExecutionContext.IsPublishMode)
            Services.AddPublishing();
        else
            Services.AddOrchestration();
        _intercept?.OnConstructed(this);
    }

    public ConfigurationManager Configuration => _host.Configuration;

    public string AppHostDirectory { get; }

    /// <summary>The AppHost's project file.</summary>
    public string AppHostPath { get; }

    public Assembly? AppHostAssembly { get; }

    public IHostEnvironment Environment => _host.Environment;

    public IServiceCollection Services => _host.Services;

    public IDistributedApplicationEventing Eventing { get; } = new DistributedApplicationEventing();

    public DistributedApplicationExecutionContext ExecutionContext { get; }

    public IResourceCollection Resources { get; } = new ResourceCollection([]);

    public IResourceBuilder<T> AddResource<T>(T resource)
        where T : IResource
    {
        ArgumentNullException.ThrowIfNull(resource);
        Names.Validate("Resource", resource.Name, resource.TryGetLastAnnotation<NameValidationPolicyAnnotation>(out var policy) ? policy : NameValidationPolicyAnnotation.Default);
        if (Resources.TryGetByName(resource.Name, out var existing))
        {
            throw new DistributedApplicationException(
                $"Cannot add resource of type '{resource.GetType()}' with name '{resource.Name}' because resource of type '{existing.GetType()}' with that name already exists. Resource names are case-insensitive.");
        }
        Resources.Add(resource);
        return CreateResourceBuilder(resource);
    }

    public IResourceBuilder<T> CreateResourceBuilder<T>(T resource)
        where T : IResource
    {
        ArgumentNullException.ThrowIfNull(resource);
        return new ResourceBuilder<T>(this, resource);
    }

    public DistributedApplication Build()
    {
        _intercept?.Building(this);
        var host = _host.Build();
        ExecutionContext.Provider = host.Services;
        var application = new DistributedApplication(host, _intercept);
        _intercept?.Built(application);
        return application;
    }

    HostApplicationBuilderSettings Complete(HostApplicationBuilderSettings settings, DistributedApplicationOptions options)
    {
        settings.Args = options.Args;
        settings.ContentRootPath ??= AppHostDirectory;
        settings.ApplicationName ??= AppHostAssembly?.GetName().Name;
        // DOTNET_ENVIRONMENT and --environment are read by the host itself and win over this one.
        settings.Configuration!.AddInMemoryCollection(new Dictionary<string, string?>
        {
            [HostDefaults.EnvironmentKey] = System.Environment.GetEnvironmentVariable("ASPIRE_ENVIRONMENT"),
            ["hostBuilder:reloadConfigOnChange"] = "false",
        }.Where(setting => setting.Value is not null));
        return settings;
    }

    /// <summary>The hash tells apart what two AppHosts keep in one place. When publishing, it must not depend on where the sources lie.</summary>
    void AddIdentity()
    {
        var identity = ExecutionContext.IsPublishMode ? Path.GetFileName(AppHostPath) : AppHostPath.ToLowerInvariant();
        _host.Configuration.AddInMemoryCollection(new Dictionary<string, string?>
        {
            ["AppHost:Directory"] = AppHostDirectory,
            ["AppHost:Path"] = AppHostPath,
            ["AppHost:Sha256"] = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(identity))),
        });
    }

    void AddLogging()
    {
        // A failing check is the health of a resource, not an error of the AppHost.
        _host.Logging.AddFilter("Microsoft.Extensions.Diagnostics.HealthChecks", LogLevel.None);
        _host.Logging.AddFilter("Microsoft.Hosting.Lifetime", LogLevel.Warning);
        _host.Logging.AddFilter("System.Net.Http", LogLevel.Warning);
    }

    void AddServices(DistributedApplicationOptions options, AppHostSecrets secrets)
    {
        Services.Configure<ConsoleLifetimeOptions>(o => o.SuppressStatusMessages = true);
        Services.Configure<ResourceNotificationServiceOptions>(o => o.DefaultWaitBehavior =
            options.DisableDashboard ? WaitBehavior.StopOnResourceUnavailable : WaitBehavior.WaitOnResourceUnavailable);
        Services.TryAddSingleton(TimeProvider.System);
        Services.AddHealthChecks();
        Services.AddSingleton(new DistributedApplicationModel(Resources));
        Services.AddSingleton(Eventing);
        Services.AddSingleton(ExecutionContext);
        Services.AddSingleton(options);
        Services.AddSingleton(secrets);
        Services.AddSingleton(new AppHostLocation(AppHostDirectory, AppHostAssembly));
        Services.AddSingleton<ResourceNotificationService>();
        Services.AddSingleton<ResourceLoggerService>();
        Services.AddSingleton(services => new ResourceCommandService(
            services.GetRequiredService<ResourceNotificationService>(), services.GetRequiredService<ResourceLoggerService>(), services));
    }
}

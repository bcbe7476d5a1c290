using System.Reflection;
using Aspire.Hosting;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;

namespace LocalAspire.Testing;

/// <summary>What makes an application under test independent of the machine, of its user and of other tests.</summary>
static class TestingDefaults
{
    public static void Apply(
        DistributedApplicationOptions options,
        HostApplicationBuilderSettings settings,
        Assembly? appHost,
        string[] args,
        Action<DistributedApplicationOptions, HostApplicationBuilderSettings> configure)
    {
        options.Args = [.. options.Args ?? [], .. args];
        options.AssemblyName = appHost?.GetName().Name;
        options.ProjectDirectory ??= AppHostMetadata.Directory(appHost);
        options.DisableDashboard = true;
        options.EnableResourceLogging = true;
        settings.EnvironmentName = Environments.Development;
        settings.Configuration!.AddInMemoryCollection(LaunchProfileVariables(options.ProjectDirectory));
        settings.Configuration!.AddInMemoryCollection(new Dictionary<string, string?>
        {
            ["DcpPublisher:RandomizePorts"] = "true",
            ["ASPNETCORE_URLS"] = "http://localhost:8080",
            ["ASPIRE_DASHBOARD_OTLP_ENDPOINT_URL"] = "http://localhost:4317",
            ["LocalAspire:UserSecrets"] = "false",
            ["Aspire:Containers"] = "false",
        });
        configure(options, settings);
    }

    /// <summary>Those of the AppHost's first launch profile, as it has them when it is run by hand.</summary>
    static Dictionary<string, string?> LaunchProfileVariables(string? directory)
    {
        var profiles = directory is null ? null : LaunchSettings.In(directory)?.Profiles;
        if (profiles is null || profiles.Count == 0)
            return [];

        var (name, profile) = profiles.First();
        return profile.EnvironmentVariables.Append(new("DOTNET_LAUNCH_PROFILE", name))
            .ToDictionary(variable => variable.Key.Replace("__", ":", StringComparison.Ordinal), variable => (string?)variable.Value);
    }

    public static DistributedApplicationBuilder Complete(DistributedApplicationBuilder builder)
    {
        // A test that names a directory for the data wants to find the data there.
        if (builder.Configuration["Aspire:Store:Path"] is null && builder.Configuration["Aspire:Store:Temporary"] is null)
            builder.Configuration["Aspire:Store:Temporary"] = "true";
        builder.Services.AddHttpClient();
        builder.Services.Replace(ServiceDescriptor.Singleton<IHostLifetime, TestLifetime>());
        return builder;
    }

    /// <summary>Signals to the test process are not for the application.</summary>
    sealed class TestLifetime : IHostLifetime
    {
        public Task WaitForStartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}

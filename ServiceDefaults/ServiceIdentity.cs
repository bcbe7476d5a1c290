using System.Reflection;
using Microsoft.Extensions.Hosting;
using OpenTelemetry.Resources;

namespace AspireJobs.ServiceDefaults;

/// <summary>Who speaks, the same in logs, metrics and traces.</summary>
sealed record ServiceIdentity(string Name, string Instance, string Version)
{
    public static ServiceIdentity Of(IHostApplicationBuilder builder) => new(
        builder.Configuration["OTEL_SERVICE_NAME"] is { Length: > 0 } name ? name : Given(builder, "service.name") ?? builder.Environment.ApplicationName.ToLowerInvariant(),
        Given(builder, "service.instance.id") ?? $"{Environment.MachineName}-{Environment.ProcessId}",
        Assembly.GetEntryAssembly()?.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "0");

    public void Describe(ResourceBuilder resource) => resource
        .AddService(Name, serviceVersion: Version, autoGenerateServiceInstanceId: false, serviceInstanceId: Instance)
        .AddAttributes([new("host.name", Environment.MachineName)])
        // Last, so that OTEL_RESOURCE_ATTRIBUTES wins.
        .AddEnvironmentVariableDetector();

    static string? Given(IHostApplicationBuilder builder, string key) => builder.Configuration["OTEL_RESOURCE_ATTRIBUTES"]?
        .Split(',', StringSplitOptions.TrimEntries)
        .Where(pair => pair.StartsWith(key + "=", StringComparison.Ordinal))
        .Select(pair => Uri.UnescapeDataString(pair[(key.Length + 1)..]))
        .FirstOrDefault();
}

using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Testing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace AspireJobs.Tests.Hosting;

/// <summary>Small applications of executables, and what can be seen of them.</summary>
static class Apps
{
    public static CancellationToken Stop => TestContext.Current.CancellationToken;

    public static IDistributedApplicationTestingBuilder Create(params string[] args)
    {
        var builder = DistributedApplicationTestingBuilder.Create(args);
        builder.Services.AddLogging(logging => logging.ClearProviders());
        return builder;
    }

    /// <summary>A process that runs until it is stopped.</summary>
    public static IResourceBuilder<ExecutableResource> AddSleeper(this IDistributedApplicationBuilder builder, string name) =>
        builder.AddExecutable(name, "sleep", ".", "600");

    /// <summary>A process that does what the script says.</summary>
    public static IResourceBuilder<ExecutableResource> AddScript(this IDistributedApplicationBuilder builder, string name, string script) =>
        builder.AddExecutable(name, "sh", ".", "-c", script);

    public static async Task<DistributedApplication> StartAsync(this IDistributedApplicationTestingBuilder builder)
    {
        var app = await builder.BuildAsync(Stop);
        await app.StartAsync(Stop);
        return app;
    }

    public static string? State(this DistributedApplication app, string name) =>
        app.ResourceNotifications.TryGetCurrentState(name, out var current) ? current.Snapshot.State?.Text : null;

    public static CustomResourceSnapshot Snapshot(this DistributedApplication app, string name) =>
        app.ResourceNotifications.TryGetCurrentState(name, out var current) ? current.Snapshot : throw new InvalidOperationException($"nothing is known of {name}");

    /// <summary>What a resource has written so far, without the time stamps.</summary>
    public static async Task<List<string>> LogAsync(this DistributedApplication app, string name)
    {
        var resource = app.Services.GetRequiredService<DistributedApplicationModel>().Resources.Single(candidate => candidate.Name == name);
        var lines = new List<string>();
        await foreach (var some in app.Services.GetRequiredService<ResourceLoggerService>().GetAllAsync(resource))
            lines.AddRange(some.Select(line => line.Content[(line.Content.IndexOf(' ', StringComparison.Ordinal) + 1)..]));
        return lines;
    }

    /// <summary>The environment of a process that only tells it, and ends.</summary>
    public static async Task<SortedDictionary<string, string>> EnvironmentAsync(
        this IDistributedApplicationTestingBuilder builder, Action<IResourceBuilder<ExecutableResource>> configure)
    {
        configure(builder.AddExecutable("probe", "env", "."));
        await using var app = await builder.StartAsync();
        await app.ResourceNotifications.WaitForResourceAsync("probe", [KnownResourceStates.Finished, KnownResourceStates.FailedToStart], Stop);
        return new(
            (await app.LogAsync("probe")).Select(line => line.Split('=', 2)).Where(pair => pair.Length == 2 && Environment.GetEnvironmentVariable(pair[0]) is null)
                .ToDictionary(pair => pair[0], pair => pair[1]),
            StringComparer.Ordinal);
    }
}

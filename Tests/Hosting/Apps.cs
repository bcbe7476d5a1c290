using System.Collections.Concurrent;
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

    /// <summary>For a test of what only the stand-ins do or say.</summary>
    public static void RequireStandIns() =>
        Assert.SkipWhen(typeof(DistributedApplication).Assembly.GetName().Name == "Aspire.Hosting", "Microsoft's packages do or say it in another way.");

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

    /// <summary>The first line of a resource that is wanted, whether it comes or has come.</summary>
    public static async Task<string> WatchLogAsync(this DistributedApplication app, IResource resource, Func<string, bool> isWanted)
    {
        await foreach (var lines in app.Services.GetRequiredService<ResourceLoggerService>().WatchAsync(resource).WithCancellation(Stop))
            if (lines.FirstOrDefault(line => isWanted(line.Content)) is { Content: { } found })
                return found;
        throw new InvalidOperationException($"{resource.Name} ended without that line");
    }

    /// <summary>What the AppHost itself logs, line by line.</summary>
    public static ConcurrentQueue<string> RecordLog(this IDistributedApplicationTestingBuilder builder)
    {
        var lines = new ConcurrentQueue<string>();
        builder.Services.AddSingleton<ILoggerProvider>(new Recorder(lines));
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
            (await app.LogAsync("probe")).Select(line => line.Split('=', 2)).Where(pair => pair.Length == 2 && pair[0] != "_" && Environment.GetEnvironmentVariable(pair[0]) is null)
                .ToDictionary(pair => pair[0], pair => pair[1]),
            StringComparer.Ordinal);
    }

    sealed class Recorder(ConcurrentQueue<string> lines) : ILoggerProvider, ILogger
    {
        public ILogger CreateLogger(string categoryName) => this;

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            lines.Enqueue(formatter(state, exception));

        public void Dispose() { }
    }
}

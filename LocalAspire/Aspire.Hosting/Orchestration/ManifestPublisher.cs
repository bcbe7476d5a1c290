using System.Text.Json;
using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Eventing;
using Aspire.Hosting.Publishing;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Logging;

namespace LocalAspire;

/// <summary>What the command line asks to be published.</summary>
static class PublishSwitches
{
    public const string Operation = "AppHost:Operation";
    public const string Publisher = "Publishing:Publisher";
    public const string Step = "Pipeline:Step";
    public const string OutputPath = "Pipeline:OutputPath";

    public static readonly Dictionary<string, string> Mappings = new()
    {
        ["--operation"] = Operation,
        ["--publisher"] = Publisher,
        ["--step"] = Step,
        ["--output-path"] = OutputPath,
    };

    public static bool ArePresent(IConfiguration configuration) =>
        configuration[Publisher] is not null || string.Equals(configuration[Operation], "publish", StringComparison.OrdinalIgnoreCase);
}

/// <summary>Writes the manifest of the application and starts nothing.</summary>
sealed partial class ManifestPublisher(
    DistributedApplicationModel model,
    DistributedApplicationExecutionContext executionContext,
    IConfiguration configuration,
    IDistributedApplicationEventing eventing,
    IServiceProvider services,
    ILogger<DistributedApplication> log)
{
    /// <exception cref="UnableToStartException">The command line asks for what this publisher cannot do.</exception>
    public async Task PublishAsync(CancellationToken cancellationToken)
    {
        var path = TargetPath();
        await eventing.PublishAsync(new BeforePublishEvent(services, model), cancellationToken);
        // Complete before the file is touched: a resource that cannot be written leaves the old manifest as it is.
        using var manifest = new MemoryStream();
        await using (var writer = new Utf8JsonWriter(manifest, new JsonWriterOptions { Indented = true, NewLine = "\n" }))
            await new ManifestPublishingContext(executionContext, path, writer, cancellationToken).WriteModelAsync(model);

        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        await File.WriteAllBytesAsync(path, manifest.ToArray(), cancellationToken);
        Published(log, path);
        await eventing.PublishAsync(new AfterPublishEvent(services, model), cancellationToken);
    }

    string TargetPath()
    {
        var wanted = configuration[PublishSwitches.Publisher] ?? configuration[PublishSwitches.Step];
        if (wanted is not ("manifest" or "publish-manifest"))
        {
            throw new UnableToStartException(
                $"'{wanted ?? "publish"}' is not supported with AspireSource=local, which publishes manifests only: --publisher manifest --output-path <path>. "
                + "Build with -p:AspireSource=packages for everything else.");
        }

        var path = configuration[PublishSwitches.OutputPath];
        if (string.IsNullOrEmpty(path))
            throw new UnableToStartException("The '--output-path [path]' option was not specified.");
        path = Path.GetFullPath(path);
        return path.EndsWith(".json", StringComparison.OrdinalIgnoreCase) ? path : Path.Combine(path, "aspire-manifest.json");
    }

    [LoggerMessage(1, LogLevel.Information, "Published manifest to: {Path}")]
    static partial void Published(ILogger logger, string path);
}

using Aspire.Hosting.ApplicationModel;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Logging;

namespace LocalAspire;

/// <summary>How a server that normally comes as a container runs as a process of this machine.</summary>
interface INativeServer
{
    /// <summary>The program to start, with its configuration written and its directories there.</summary>
    /// <exception cref="UnableToStartException">The machine lacks a program or a usable directory.</exception>
    Task<LaunchSpec> PrepareAsync(NativeServerContext context, CancellationToken cancellationToken);
}

/// <summary>Marks a container resource that has a native form; <see cref="LaunchPlanner"/> chooses between the two.</summary>
sealed class NativeServerAnnotation(INativeServer server) : IResourceAnnotation
{
    public INativeServer Server => server;
}

/// <param name="Resource">The server.</param>
/// <param name="Port">Where it listens, on the loopback addresses only.</param>
/// <param name="WorkDirectory">Private, new for each start and removed after it; other users may pass through it.</param>
/// <param name="DataDirectory">Where its data goes; inside of the work directory unless the resource has a volume. It may not exist.</param>
/// <param name="IsTemporary">Whether the data goes with the work directory.</param>
/// <param name="Log">The log of the resource.</param>
sealed record NativeServerContext(IResource Resource, int Port, string WorkDirectory, string DataDirectory, bool IsTemporary, ILogger Log);

sealed class ServerDirectories(IConfiguration configuration, AppHostLocation appHost)
{
    const UnixFileMode PassThrough = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute;

    public NativeServerContext Create(IResource resource, int port, ILogger log)
    {
        var work = Directory.CreateTempSubdirectory($"local-aspire-{resource.Name}-").FullName;
        if (!OperatingSystem.IsWindows())
            File.SetUnixFileMode(work, PassThrough);

        var volume = resource.Annotations.OfType<ContainerMountAnnotation>().LastOrDefault();
        if (volume is { IsReadOnly: true })
            throw new UnableToStartException($"the resource '{resource.Name}' has a read-only volume, which only a container can have.");

        var isTemporary = volume is null || configuration.GetValue("Aspire:Store:Temporary", false);
        return new(resource, port, work, isTemporary ? Path.Combine(work, "data") : Persistent(resource, volume!), isTemporary, log);
    }

    string Persistent(IResource resource, ContainerMountAnnotation volume)
    {
        if (volume.Type is ContainerMountType.BindMount)
            return Path.GetFullPath(Path.Combine(appHost.Directory, volume.Source!));

        var root = configuration["Aspire:Store:Path"] ?? Path.Combine(appHost.Directory, "..", ".data");
        var directory = Path.GetFullPath(Path.Combine(root, volume.IsNameGenerated ? resource.Name : volume.Source ?? resource.Name));
        for (var part = directory; part is not null; part = Path.GetDirectoryName(part))
            if (File.Exists(part))
                throw new UnableToStartException($"the resource '{resource.Name}' cannot use its data directory '{directory}': '{part}' is a file. Set Aspire:Store:Path to a directory.");
        return directory;
    }
}

/// <summary>Keeps a second server away from a data directory, for as long as any process of the first one lives.</summary>
static class DataLock
{
    // As long as a predecessor that lost its AppHost may need to end, and some.
    const int PatienceSeconds = 15;

    /// <summary>The exit code of a program that did not get the lock.</summary>
    public const int InUse = 75;

    /// <summary>The command that runs a program under the lock. The program inherits it, and so do its own children.</summary>
    public static (string FileName, IReadOnlyList<string> Arguments) Guard(string lockFile, params string[] command) => (
        Programs.Require("flock", "the package util-linux"),
        ["--wait", $"{PatienceSeconds}", "--conflict-exit-code", $"{InUse}", "--no-fork", lockFile, .. command]);
}

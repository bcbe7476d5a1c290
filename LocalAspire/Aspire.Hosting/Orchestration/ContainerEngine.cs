using System.Diagnostics;
using System.Globalization;
using System.Text;
using Aspire.Hosting.ApplicationModel;
using Microsoft.Extensions.Configuration;

namespace LocalAspire;

/// <summary>Docker or Podman, through its command line.</summary>
sealed class ContainerEngine(string program, bool isPodman, TimeProvider clock)
{
    /// <summary>Marks what ends with an AppHost: <c>machine/process/start</c>.</summary>
    public const string OwnerLabel = "local-aspire.owner";

    const string StopSeconds = "10";

    public static string Owner { get; } = OwnerOf(Process.GetCurrentProcess());

    public string Program => program;

    public bool IsPodman => isPodman;

    public string Name => isPodman ? "podman" : "docker";

    /// <summary>Where a container finds this machine.</summary>
    public string HostName => isPodman ? "host.containers.internal" : KnownHostNames.DockerDesktopHostBridge;

    /// <summary>What makes <see cref="HostName"/> known in a container, where the engine does not do that by itself.</summary>
    public IReadOnlyList<string> HostArguments => isPodman ? [] : ["--add-host", $"{HostName}:host-gateway"];

    public async Task<(int ExitCode, string Output)> RunAsync(IEnumerable<string> arguments, CancellationToken cancellationToken, Action<string>? onLine = null)
    {
        var output = new StringBuilder();
        using var process = SupervisedProcess.Start(new(program, [.. arguments], "/"), OnLine, clock);
        try
        {
            var exitCode = await process.Exited.WaitAsync(cancellationToken);
            lock (output)
                return (exitCode, output.ToString().Trim());
        }
        catch (OperationCanceledException)
        {
            await process.StopAsync();
            throw;
        }

        void OnLine(string line, bool isError)
        {
            lock (output)
                output.Append(line).Append('\n');
            onLine?.Invoke(line);
        }
    }

    /// <summary>The containers that the filter finds: id, name, and owner, which is empty for those of others. Null when the engine does not answer.</summary>
    public async Task<IReadOnlyList<(string Id, string Name, string Owner)>?> ListAsync(string filter, CancellationToken cancellationToken)
    {
        var owner = isPodman ? $"{{{{index .Labels \"{OwnerLabel}\"}}}}" : $"{{{{.Label \"{OwnerLabel}\"}}}}";
        var (exitCode, output) = await RunAsync(["ps", "--all", "--filter", filter, "--format", $"{{{{.ID}}}}|{{{{.Names}}}}|{owner}"], cancellationToken);
        return exitCode != 0 ? null : [.. output.Split('\n').Select(line => line.Split('|')).Where(parts => parts.Length == 3).Select(parts => (parts[0], parts[1], parts[2]))];
    }

    /// <summary>Ends what AppHosts have left behind that were killed together with their supervisors, or with the machine.</summary>
    public async Task RemoveOrphansAsync(IEnumerable<(string Id, string Name, string Owner)> containers, CancellationToken cancellationToken)
    {
        var orphans = containers.Where(container => IsGone(container.Owner)).Select(container => container.Id).ToArray();
        if (orphans.Length == 0)
            return;
        await RunAsync(["stop", "-t", StopSeconds, .. orphans], cancellationToken);
        await RunAsync(["rm", "--force", "--volumes", .. orphans], cancellationToken);
    }

    static string OwnerOf(Process process) =>
        string.Create(CultureInfo.InvariantCulture, $"{Environment.MachineName}/{process.Id}/{new DateTimeOffset(process.StartTime).ToUnixTimeSeconds()}");

    /// <summary>Whether the AppHost was one of this machine and has ended.</summary>
    static bool IsGone(string owner)
    {
        var parts = owner.Split('/');
        if (parts.Length != 3 || parts[0] != Environment.MachineName || !int.TryParse(parts[1], out var id) || !long.TryParse(parts[2], out var start))
            return false;
        try
        {
            using var process = Process.GetProcessById(id);
            // Each process works the time out anew and rounds it its own way.
            return Math.Abs(new DateTimeOffset(process.StartTime).ToUnixTimeSeconds() - start) > 2;
        }
        catch (Exception e) when (e is ArgumentException or InvalidOperationException)
        {
            return true;
        }
    }
}

/// <summary>Finds the container engine, once, as Aspire does: the one that is named, or else Docker, or else Podman.</summary>
sealed class ContainerEngines
{
    static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    readonly IConfiguration _configuration;
    readonly TimeProvider _clock;
    readonly Lazy<Task<ContainerEngine?>> _engine;

    public ContainerEngines(IConfiguration configuration, TimeProvider clock)
    {
        (_configuration, _clock) = (configuration, clock);
        _engine = new(FindAsync);
    }

    string Setting => _configuration["Aspire:Containers"]?.ToLowerInvariant() switch
    {
        null or "" or "auto" => "auto",
        "true" => "true",
        "false" => "false",
        var other => throw new UnableToStartException($"Aspire:Containers is '{other}'; it must be auto, true or false."),
    };

    string? Named => _configuration["ASPIRE_CONTAINER_RUNTIME"] ?? _configuration["DOTNET_ASPIRE_CONTAINER_RUNTIME"];

    /// <summary>Whether what could run as a process of this machine must be a container all the same.</summary>
    public bool AreRequired => Setting == "true";

    /// <summary>Why <see cref="GetAsync"/> has none, and what can be done about it.</summary>
    public string WhyNone => Setting == "false"
        ? "Aspire:Containers is false. Set it to auto, or leave the resource out."
        : $"no container engine answers to '{Named ?? "docker"} ps'{(Named is null ? " or 'podman ps'" : "")}. Install and start one, or leave the resource out.";

    public Task<ContainerEngine?> GetAsync(CancellationToken cancellationToken) => _engine.Value.WaitAsync(cancellationToken);

    async Task<ContainerEngine?> FindAsync()
    {
        if (Setting == "false")
            return null;
        if (Named is not null && Path.GetFileName(Named) is not ("docker" or "podman"))
            throw new UnableToStartException($"ASPIRE_CONTAINER_RUNTIME is '{Named}'; it must be docker or podman.");

        foreach (var name in Named is null ? new[] { "docker", "podman" } : [Named])
        {
            // The path of one, too, which stays as it is.
            if (Programs.Find(name) is { } program && await AnswersAsync(new(program, Path.GetFileName(name) == "podman", _clock)) is { } engine)
                return engine;
        }
        return null;
    }

    async Task<ContainerEngine?> AnswersAsync(ContainerEngine engine)
    {
        using var limit = new CancellationTokenSource(Patience, _clock);
        IReadOnlyList<(string Id, string Name, string Owner)>? ours;
        try
        {
            ours = await engine.ListAsync($"label={ContainerEngine.OwnerLabel}", limit.Token);
        }
        catch (OperationCanceledException)
        {
            return null;
        }
        if (ours is null)
            return null;
        await engine.RemoveOrphansAsync(ours, CancellationToken.None);
        return engine;
    }
}

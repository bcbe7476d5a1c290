using System.Globalization;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;
using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Hosting;

namespace LocalAspire;

/// <summary>What a container is started with, as a snapshot shows it.</summary>
sealed record ContainerView(string Name, IReadOnlyList<string> Arguments, IReadOnlyDictionary<string, string> Environment);

/// <summary>What a shell in the container does to end the program, where the engine's signal does not reach it.</summary>
sealed class ContainerQuitAnnotation(string command) : IResourceAnnotation
{
    public string Command => command;
}

/// <summary>Turns a container resource into the command of a container engine.</summary>
sealed class ContainerPlanner(IConfiguration configuration, IHostEnvironment environment, AppHostLocation appHost, DistributedApplicationModel model, TimeProvider clock) : IDisposable
{
    const string LastingLabel = "local-aspire.lasting";

    static readonly string Script = Path.Combine(AppContext.BaseDirectory, "local-aspire-container.sh");
    static readonly TimeSpan Grace = TimeSpan.FromSeconds(10);
    // The engine itself kills after the grace, and then there is something to remove.
    static readonly TimeSpan Slack = TimeSpan.FromSeconds(15);
    static readonly TimeSpan VolumePatience = TimeSpan.FromSeconds(15);
    // They would change what the engine's own program does.
    static readonly string[] NotOfTheEngine = ["PATH", "HOME", "TMPDIR", "LD_", "XDG_", "DOCKER_", "CONTAINER", "PODMAN_", "BUILD", "SSL_", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY"];

    readonly string _suffix = RandomNumberGenerator.GetString("abcdefghijklmnopqrstuvwxyz", 8);
    readonly SemaphoreSlim _creating = new(1);

    string Hash => configuration["AppHost:Sha256"]!;

    /// <summary>One for the containers of this run; one that stays where containers stay.</summary>
    string Network
    {
        get
        {
            var application = string.Concat(environment.ApplicationName.Select(c => char.IsAsciiLetterOrDigit(c) ? char.ToLowerInvariant(c) : '-'));
            return model.Resources.Any(IsLasting) ? $"aspire-persistent-network-{Hash[..8]}-{application}" : $"aspire-session-network-{_suffix}-{application}";
        }
    }

    public static bool IsLasting(IResource resource) =>
        resource.TryGetLastAnnotation<ContainerLifetimeAnnotation>(out var lifetime) && lifetime.Lifetime is ContainerLifetime.Persistent;

    /// <summary>What the others in the network call it.</summary>
    public static string NameInNetwork(IResource resource) => $"{resource.Name}.dev.internal";

    /// <summary>Sees to it that the engine has the image.</summary>
    /// <returns>Why it has not; null when it has.</returns>
    public async Task<string?> ObtainImageAsync(ContainerEngine engine, IResource resource, Func<object, ValueTask<string?>> resolve, Action<string> onLine, CancellationToken cancellationToken)
    {
        if (resource.TryGetLastAnnotation<DockerfileBuildAnnotation>(out var build))
            return await BuildAsync(engine, resource, build, resolve, onLine, cancellationToken);

        resource.TryGetContainerImageName(out var image);
        var policy = resource.TryGetLastAnnotation<ContainerImagePullPolicyAnnotation>(out var annotation) ? annotation.ImagePullPolicy : ImagePullPolicy.Default;
        if (policy is not ImagePullPolicy.Always && (await engine.RunAsync(["image", "inspect", "--format", "{{.Id}}", image!], cancellationToken)).ExitCode == 0)
            return null;
        if (policy is ImagePullPolicy.Never)
            return $"{engine.Name} has no image '{image}', and the resource '{resource.Name}' does not let it be pulled. Get it: {engine.Name} pull {image}";

        var (exitCode, output) = await engine.RunAsync(["pull", engine.IsPodman ? WithRegistry(image!) : image!], cancellationToken, onLine);
        return exitCode == 0 ? null : $"{engine.Name} cannot pull the image '{image}' of the resource '{resource.Name}': {LastLine(output)}";
    }

    /// <summary>Two servers on one data directory destroy it, and from inside of their containers they cannot see each other.</summary>
    public async Task ThrowIfDataIsInUseAsync(ContainerEngine engine, IResource server, CancellationToken cancellationToken)
    {
        foreach (var volume in server.Annotations.OfType<ContainerMountAnnotation>().Where(m => m is { Type: ContainerMountType.Volume, Source: not null } && !IsTemporary))
        {
            // A predecessor may be about to end.
            var start = clock.GetTimestamp();
            while (await UserOfAsync(volume.Source!) is { } user)
            {
                await Task.Delay(TimeSpan.FromMilliseconds(500), clock, cancellationToken);
                if (clock.GetElapsedTime(start) < VolumePatience)
                    continue;
                throw new UnableToStartException(
                    $"the volume '{volume.Source}' of the resource '{server.Name}' is in use by the container '{user}'. Stop the AppHost that started it, or the container: {engine.Name} stop {user}");
            }
        }

        async Task<string?> UserOfAsync(string volume)
        {
            var running = await engine.RunAsync(["ps", "--filter", $"volume={volume}", "--format", "{{.Names}}"], cancellationToken);
            return running.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries).FirstOrDefault(name => !IsLasting(server) || name != LastingName(server));
        }
    }

    public async Task<LaunchSpec> PlanAsync(
        ContainerEngine engine, ContainerResource resource, ResourceInstance instance, IReadOnlyDictionary<string, string> variables, IReadOnlyList<string> arguments,
        Func<object, ValueTask<string?>> resolve, CancellationToken cancellationToken)
    {
        var network = await CreateNetworkAsync(engine, cancellationToken);
        var name = IsLasting(resource) ? LastingName(resource) : resource.TryGetLastAnnotation<ContainerNameAnnotation>(out var given) ? given.Name : instance.Name;
        resource.TryGetContainerImageName(out var image);
        string[] create =
        [
            "--network", network, "--network-alias", resource.Name, "--network-alias", NameInNetwork(resource), .. engine.HostArguments,
            .. resource.Annotations.OfType<EndpointAnnotation>().SelectMany(Publish),
            .. variables.SelectMany(variable => new[] { "--env", IsOfTheEngine(variable.Key) ? $"{variable.Key}={variable.Value}" : variable.Key }),
            .. resource.Annotations.OfType<ContainerMountAnnotation>().SelectMany(mount => new[] { "--mount", Mount(mount) }),
            .. resource.Entrypoint is { } entrypoint ? new[] { "--entrypoint", entrypoint } : [],
            .. await RuntimeArgumentsAsync(resource, resolve, cancellationToken),
            image!, .. arguments,
        ];
        resource.TryGetLastAnnotation<ContainerQuitAnnotation>(out var quit);
        var lasting = IsLasting(resource) ? Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(string.Join('\0', [.. create, .. variables.Values])))) : "";
        string[] label = ["--label", lasting.Length > 0 ? $"{LastingLabel}={lasting}" : $"{ContainerEngine.OwnerLabel}={ContainerEngine.Owner}"];
        return new(
            Programs.Require("bash", "the package bash"),
            [Script, engine.Program, name, Seconds(Grace), quit?.Command ?? "", network, lasting, .. label, .. create],
            appHost.Directory)
        {
            Environment = variables.Where(variable => !IsOfTheEngine(variable.Key)).ToDictionary(),
            StopSignal = "URG",
            Grace = Grace + Slack,
            ReadyText = $"The container '{name}' is running.",
            Halt = lasting.Length > 0 ? () => engine.RunAsync(["stop", "-t", Seconds(Grace), name], CancellationToken.None) : null,
            Container = new(name, arguments, variables),
        };
    }

    public void Dispose() => _creating.Dispose();

    bool IsTemporary => configuration.GetValue("Aspire:Store:Temporary", false);

    string LastingName(IResource resource) => resource.TryGetLastAnnotation<ContainerNameAnnotation>(out var given) ? given.Name : $"{resource.Name}-{Hash[..8]}";

    /// <summary>Podman by itself knows of no registry for a name without one.</summary>
    static string WithRegistry(string image)
    {
        var first = image.Split('/')[0];
        return first == image ? $"docker.io/library/{image}" : first.AsSpan().ContainsAny('.', ':') || first == "localhost" ? image : $"docker.io/{image}";
    }

    static async Task<string?> BuildAsync(
        ContainerEngine engine, IResource resource, DockerfileBuildAnnotation build, Func<object, ValueTask<string?>> resolve, Action<string> onLine, CancellationToken cancellationToken)
    {
        resource.TryGetContainerImageName(out var image);
        var arguments = new List<string> { "build", "--tag", image!, "--file", build.DockerfilePath };
        if (build.Stage is { } stage)
            arguments.AddRange(["--target", stage]);
        foreach (var (name, value) in build.BuildArguments)
            arguments.AddRange(["--build-arg", value is null ? name : $"{name}={await resolve(value)}"]);
        var (exitCode, output) = await engine.RunAsync([.. arguments, build.ContextPath], cancellationToken, onLine);
        return exitCode == 0 ? null : $"{engine.Name} cannot build the image of the resource '{resource.Name}' from '{build.DockerfilePath}': {LastLine(output)}";
    }

    async Task<string> CreateNetworkAsync(ContainerEngine engine, CancellationToken cancellationToken)
    {
        await _creating.WaitAsync(cancellationToken);
        try
        {
            if ((await engine.RunAsync(["network", "inspect", Network], cancellationToken)).ExitCode != 0
                && await engine.RunAsync(["network", "create", Network], cancellationToken) is { ExitCode: not 0, Output: var reason })
            {
                throw new DistributedApplicationException($"{engine.Name} cannot create the network '{Network}': {LastLine(reason)}");
            }
            return Network;
        }
        finally
        {
            _creating.Release();
        }
    }

    /// <summary>The engine itself holds the public port: a proxy before it would cost every command of a store.</summary>
    static IEnumerable<string> Publish(EndpointAnnotation endpoint)
    {
        var port = EndpointAllocator.PublicPort(endpoint);
        var address = endpoint.TargetHost is "*" or "+" or "0.0.0.0" ? "" : "127.0.0.1:";
        return ["--publish", string.Create(CultureInfo.InvariantCulture, $"{address}{port}:{endpoint.TargetPort}{(endpoint.Protocol is ProtocolType.Udp ? "/udp" : "")}")];
    }

    string Mount(ContainerMountAnnotation mount)
    {
        var type = mount.Type is ContainerMountType.BindMount ? "bind" : "volume";
        var source = mount.Source is null || (IsTemporary && mount.Type is ContainerMountType.Volume) ? "" : $",source={mount.Source}";
        return $"type={type}{source},target={mount.Target}{(mount.IsReadOnly ? ",readonly" : "")}";
    }

    static async Task<IEnumerable<string>> RuntimeArgumentsAsync(ContainerResource resource, Func<object, ValueTask<string?>> resolve, CancellationToken cancellationToken)
    {
        var context = new ContainerRuntimeArgsCallbackContext([], cancellationToken);
        foreach (var callback in resource.Annotations.OfType<ContainerRuntimeArgsCallbackAnnotation>().ToArray())
            await callback.Callback(context);
        var arguments = new List<string>();
        foreach (var value in context.Args)
        {
            if (await resolve(value) is { } text)
                arguments.Add(text);
        }
        return arguments;
    }

    /// <summary>All others come from the environment of the engine's program, so that no secret shows in a list of processes.</summary>
    static bool IsOfTheEngine(string variable) => NotOfTheEngine.Any(name =>
        name.EndsWith('_') || name is "CONTAINER" or "BUILD" ? variable.StartsWith(name, StringComparison.OrdinalIgnoreCase) : variable.Equals(name, StringComparison.OrdinalIgnoreCase));

    static string Seconds(TimeSpan time) => time.TotalSeconds.ToString(CultureInfo.InvariantCulture);

    static string LastLine(string output) => output.Length == 0 ? "it wrote nothing." : output[(output.LastIndexOf('\n') + 1)..];
}

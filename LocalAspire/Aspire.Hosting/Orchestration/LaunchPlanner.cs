using System.Globalization;
using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;
using Microsoft.Extensions.Logging;

namespace LocalAspire;

/// <summary>Turns a resource into the program to start, with environment and arguments as they are at this moment.</summary>
sealed class LaunchPlanner(
    DistributedApplicationExecutionContext executionContext,
    ResourceLoggerService logs,
    ServerDirectories directories,
    ContainerEngines engines,
    ContainerPlanner containers,
    EndpointAllocator endpoints,
    AppHostLocation appHost,
    ILogger<DistributedApplication> log)
{
    // The AppHost's own address and profile would become those of every project that sets none.
    static readonly string[] NotInherited = ["ASPNETCORE_URLS", "DOTNET_LAUNCH_PROFILE"];

    public Task<LaunchSpec> PlanAsync(ResourceInstance instance, CancellationToken cancellationToken) => instance.Resource switch
    {
        ProjectResource project => PlanProjectAsync(project, instance, cancellationToken),
        ExecutableResource executable => PlanExecutableAsync(executable, instance, cancellationToken),
        ContainerResource container => PlanContainerAsync(container, instance, cancellationToken),
        var other => throw new InvalidOperationException($"The resource '{other.Name}' is nothing that can be started."),
    };

    async Task<LaunchSpec> PlanProjectAsync(ProjectResource project, ResourceInstance instance, CancellationToken cancellationToken)
    {
        var metadata = project.Annotations.OfType<IProjectMetadata>().Last();
        if (!File.Exists(metadata.ProjectPath))
            throw new DistributedApplicationException($"The project file '{metadata.ProjectPath}' of the resource '{project.Name}' does not exist. Rebuild the AppHost, or correct the path.");

        var environment = await EnvironmentAsync(instance, cancellationToken);
        var args = await ArgumentsAsync(instance, cancellationToken);
        var directory = Path.GetDirectoryName(metadata.ProjectPath)!;
        environment.TryAdd("DOTNET_ROOT", DotNet.Root);

        if (Built(metadata) is not { } assembly)
            return new(DotNet.Command, ["run", "--project", metadata.ProjectPath, "--no-launch-profile", "--", .. args], directory) { Environment = environment };
        if (!File.Exists(assembly))
            throw new DistributedApplicationException($"The project of the resource '{project.Name}' is not built: '{assembly}' does not exist. Build the AppHost again.");

        var program = Path.ChangeExtension(assembly, null);
        return File.Exists(program)
            ? new(program, args, directory) { Environment = environment }
            : new(DotNet.Command, ["exec", assembly, .. args], directory) { Environment = environment };
    }

    async Task<LaunchSpec> PlanExecutableAsync(ExecutableResource executable, ResourceInstance instance, CancellationToken cancellationToken)
    {
        var command = executable.Command.Contains('/', StringComparison.Ordinal)
            ? Path.GetFullPath(Path.Combine(executable.WorkingDirectory, executable.Command))
            : Programs.Find(executable.Command);
        if (command is null || !File.Exists(command))
            throw new DistributedApplicationException($"The program '{executable.Command}' of the resource '{executable.Name}' was not found. Install it, or correct the command.");
        if (!Directory.Exists(executable.WorkingDirectory))
            throw new DistributedApplicationException($"The working directory '{executable.WorkingDirectory}' of the resource '{executable.Name}' does not exist.");

        return new(command, await ArgumentsAsync(instance, cancellationToken), executable.WorkingDirectory)
        {
            Environment = await EnvironmentAsync(instance, cancellationToken),
        };
    }

    /// <summary>A container where an engine answers that has its image or gets it; a server has a native form as well, which is taken otherwise.</summary>
    async Task<LaunchSpec> PlanContainerAsync(ContainerResource container, ResourceInstance instance, CancellationToken cancellationToken)
    {
        var native = container.TryGetLastAnnotation<NativeServerAnnotation>(out var annotation) ? annotation.Server : null;
        if (await engines.GetAsync(cancellationToken) is not { } engine)
        {
            return native is not null && !engines.AreRequired
                ? await PlanServerAsync(native, instance, cancellationToken)
                : throw new UnableToStartException($"the resource '{container.Name}' needs a container, and {engines.WhyNone}");
        }

        if (instance.RunsInContainer is not false
            && await containers.ObtainImageAsync(engine, container, Resolve, line => logs.Append(instance.Name, line, isError: false), cancellationToken) is { } reason)
        {
            if (native is null)
                throw new DistributedApplicationException(reason);
            if (engines.AreRequired)
                throw new UnableToStartException(reason);
            OrchestratorLog.RunsNatively(log, container.Name, reason);
            instance.RunsInContainer = false;
        }
        // Decided once: the two have their data in different places.
        instance.RunsInContainer ??= true;
        if (instance.RunsInContainer is false)
        {
            endpoints.PublishAsOfThisMachine(container, engine);
            return await PlanServerAsync(native!, instance, cancellationToken);
        }

        if (native is not null)
            await containers.ThrowIfDataIsInUseAsync(engine, container, cancellationToken);
        EndpointAllocator.PrepareContainer(instance);
        var network = KnownNetworkIdentifiers.DefaultAspireContainerNetwork;
        return await containers.PlanAsync(
            engine, container, instance, await EnvironmentAsync(instance, cancellationToken, network), await ArgumentsAsync(instance, cancellationToken, network), Resolve, cancellationToken);

        ValueTask<string?> Resolve(object value) => ResolveAsync(value, instance, KnownNetworkIdentifiers.DefaultAspireContainerNetwork, cancellationToken);
    }

    async Task<LaunchSpec> PlanServerAsync(INativeServer server, ResourceInstance instance, CancellationToken cancellationToken)
    {
        var endpoint = instance.Resource.Annotations.OfType<EndpointAnnotation>().First();
        var context = directories.Create(instance.Resource, EndpointAllocator.PublicPort(endpoint), logs.GetLogger(instance.Resource));
        try
        {
            return await server.PrepareAsync(context, cancellationToken);
        }
        catch
        {
            Directory.Delete(context.WorkDirectory, recursive: true);
            throw;
        }
    }

    async Task<Dictionary<string, string>> EnvironmentAsync(ResourceInstance instance, CancellationToken cancellationToken, NetworkIdentifier? network = null)
    {
        var variables = await ResourceCallbacks.EnvironmentAsync(instance.Resource, executionContext, logs.GetLogger(instance.Resource), cancellationToken);
        var environment = new Dictionary<string, string>();
        foreach (var (name, value) in variables)
        {
            if (await ResolveAsync(value, instance, network, cancellationToken) is { } text)
                environment[name] = text;
        }
        return environment;
    }

    async Task<IReadOnlyList<string>> ArgumentsAsync(ResourceInstance instance, CancellationToken cancellationToken, NetworkIdentifier? network = null)
    {
        var values = await ResourceCallbacks.ArgumentsAsync(instance.Resource, executionContext, logs.GetLogger(instance.Resource), cancellationToken);
        var args = new List<string>();
        foreach (var value in values)
        {
            if (await ResolveAsync(value, instance, network, cancellationToken) is { } text)
                args.Add(text);
        }
        return args;
    }

    ValueTask<string?> ResolveAsync(object value, ResourceInstance instance, NetworkIdentifier? network, CancellationToken cancellationToken) => value switch
    {
        string text => new(text),
        IValueProvider provider => provider.GetValueAsync(
            new() { ExecutionContext = executionContext, Caller = instance.Resource, Network = network, Instance = instance }, cancellationToken),
        _ => new(Convert.ToString(value, CultureInfo.InvariantCulture)),
    };

    // Where the project class was generated the build recorded its output; a test may use another AppHost's projects.
    string? Built(IProjectMetadata metadata) =>
        AppHostMetadata.Output(metadata.GetType().Assembly, metadata.ProjectPath) ?? AppHostMetadata.Output(appHost.Assembly, metadata.ProjectPath);

    public static bool IsInherited(string variable) => !NotInherited.Contains(variable);
}

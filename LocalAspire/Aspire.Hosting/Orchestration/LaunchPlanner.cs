using System.Globalization;
using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;

namespace LocalAspire;

/// <summary>Turns a resource into the program to start, with environment and arguments as they are at this moment.</summary>
sealed class LaunchPlanner(
    DistributedApplicationExecutionContext executionContext, ResourceLoggerService logs, ServerDirectories directories, AppHostLocation appHost)
{
    // The AppHost's own address and profile would become those of every project that sets none.
    static readonly string[] NotInherited = ["ASPNETCORE_URLS", "DOTNET_LAUNCH_PROFILE"];

    public Task<LaunchSpec> PlanAsync(ResourceInstance instance, CancellationToken cancellationToken) => instance.Resource switch
    {
        ProjectResource project => PlanProjectAsync(project, instance, cancellationToken),
        ExecutableResource executable => PlanExecutableAsync(executable, instance, cancellationToken),
        var server when server.TryGetLastAnnotation<NativeServerAnnotation>(out var native) => PlanServerAsync(native.Server, instance, cancellationToken),
        var other => throw new UnableToStartException(
            $"the resource '{other.Name}' is a container, and AspireSource=local runs no containers; only Redis and PostgreSQL run without one. "
            + "Leave it out when there is no container engine, or build with -p:AspireSource=packages."),
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

    async Task<Dictionary<string, string>> EnvironmentAsync(ResourceInstance instance, CancellationToken cancellationToken)
    {
        var variables = await ResourceCallbacks.EnvironmentAsync(instance.Resource, executionContext, logs.GetLogger(instance.Resource), cancellationToken);
        var environment = new Dictionary<string, string>();
        foreach (var (name, value) in variables)
        {
            if (await ResolveAsync(value, instance, cancellationToken) is { } text)
                environment[name] = text;
        }
        return environment;
    }

    async Task<IReadOnlyList<string>> ArgumentsAsync(ResourceInstance instance, CancellationToken cancellationToken)
    {
        var values = await ResourceCallbacks.ArgumentsAsync(instance.Resource, executionContext, logs.GetLogger(instance.Resource), cancellationToken);
        var args = new List<string>();
        foreach (var value in values)
        {
            if (await ResolveAsync(value, instance, cancellationToken) is { } text)
                args.Add(text);
        }
        return args;
    }

    ValueTask<string?> ResolveAsync(object value, ResourceInstance instance, CancellationToken cancellationToken) => value switch
    {
        string text => new(text),
        IValueProvider provider => provider.GetValueAsync(
            new() { ExecutionContext = executionContext, Caller = instance.Resource, Instance = instance }, cancellationToken),
        _ => new(Convert.ToString(value, CultureInfo.InvariantCulture)),
    };

    // Where the project class was generated the build recorded its output; a test may use another AppHost's projects.
    string? Built(IProjectMetadata metadata) =>
        AppHostMetadata.Output(metadata.GetType().Assembly, metadata.ProjectPath) ?? AppHostMetadata.Output(appHost.Assembly, metadata.ProjectPath);

    public static bool IsInherited(string variable) => !NotInherited.Contains(variable);
}

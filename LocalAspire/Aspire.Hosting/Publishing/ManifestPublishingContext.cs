using System.Diagnostics.CodeAnalysis;
using System.Text.Json;
using Aspire.Hosting.ApplicationModel;
using LocalAspire;
using Microsoft.Extensions.Logging.Abstractions;

namespace Aspire.Hosting.Publishing;

/// <summary>Writes resources into a deployment manifest, the JSON that tools such as azd and Aspirate read.</summary>
public sealed partial class ManifestPublishingContext(
    DistributedApplicationExecutionContext executionContext, string manifestPath, Utf8JsonWriter writer, CancellationToken cancellationToken = default)
{
    readonly PortAllocator _ports = new();

    public DistributedApplicationExecutionContext ExecutionContext { get; } = executionContext;

    public string ManifestPath { get; } = manifestPath;

    public Utf8JsonWriter Writer { get; } = writer;

    public CancellationToken CancellationToken { get; } = cancellationToken;

    /// <summary>The path relative to the directory of the manifest, with slashes.</summary>
    [return: NotNullIfNotNull(nameof(path))]
    public string? GetManifestRelativePath(string? path)
    {
        if (path is null)
            return null;

        var directory = Path.GetDirectoryName(Path.GetFullPath(ManifestPath))
            ?? throw new DistributedApplicationException($"The manifest path '{ManifestPath}' has no directory.");
        return Path.GetRelativePath(directory, path.Replace('\\', Path.DirectorySeparatorChar)).Replace('\\', '/');
    }

    /// <exception cref="DistributedApplicationException">The container has no image.</exception>
    public async Task WriteContainerAsync(ContainerResource container)
    {
        ArgumentNullException.ThrowIfNull(container);
        if (container.TryGetLastAnnotation<DockerfileBuildAnnotation>(out var build))
        {
            Writer.WriteString("type", "container.v1");
            WriteConnectionString(container);
            WriteBuild(build);
        }
        else
        {
            if (!container.TryGetContainerImageName(out var image))
                throw new DistributedApplicationException($"Could not get the container image name for resource '{container.Name}'.");
            Writer.WriteString("type", "container.v0");
            WriteConnectionString(container);
            Writer.WriteString("image", image);
        }

        if (container.Entrypoint is not null)
            Writer.WriteString("entrypoint", container.Entrypoint);
        await WriteCommandLineArgumentsAsync(container);
        WriteMounts("bindMounts", "source", container, ContainerMountType.BindMount, mount => GetManifestRelativePath(mount.Source));
        WriteMounts("volumes", "name", container, ContainerMountType.Volume, mount => mount.Source);
        await WriteEnvironmentVariablesAsync(container);
        WriteBindings(container);
    }

    public void WriteConnectionString(IResource resource)
    {
        if (resource is not IResourceWithConnectionString { ConnectionStringExpression: { } expression })
            return;

        TryAddDependentResources(expression);
        Writer.WriteString("connectionString", Expression(expression));
    }

    public void WriteBindings(IResource resource)
    {
        var endpoints = resource.ResolveEndpoints(_ports);
        if (endpoints.Count == 0)
            return;

        Writer.WriteStartObject("bindings");
        foreach (var resolved in endpoints)
            WriteBinding(resolved);
        Writer.WriteEndObject();
    }

    public async Task WriteEnvironmentVariablesAsync(IResource resource)
    {
        var variables = await ResourceCallbacks.EnvironmentAsync(resource, ExecutionContext, NullLogger.Instance, CancellationToken);
        if (variables.Count == 0)
            return;

        Writer.WriteStartObject("env");
        foreach (var (name, value) in variables)
        {
            Writer.WriteString(name, Expression(value));
            TryAddDependentResources(value);
        }
        Writer.WriteEndObject();
    }

    public async Task WriteCommandLineArgumentsAsync(IResource resource)
    {
        var args = await ResourceCallbacks.ArgumentsAsync(resource, ExecutionContext, NullLogger.Instance, CancellationToken);
        if (args.Count == 0)
            return;

        Writer.WriteStartArray("args");
        foreach (var value in args)
        {
            Writer.WriteStringValue(Expression(value));
            TryAddDependentResources(value);
        }
        Writer.WriteEndArray();
    }

    internal async Task WriteModelAsync(DistributedApplicationModel model)
    {
        _names.UnionWith(model.Resources.Select(resource => resource.Name));
        Writer.WriteStartObject();
        Writer.WriteStartObject("resources");
        foreach (var resource in model.Resources)
            await WriteResourceAsync(resource);
        foreach (var resource in _referenced.Values.Except(model.Resources).ToArray())
            await WriteResourceAsync(resource);
        foreach (var parameter in _formatted.Keys.ToArray())
            WriteFormatted(parameter);
        await WriteConditionalsAsync();
        Writer.WriteEndObject();
        Writer.WriteEndObject();
        await Writer.FlushAsync(CancellationToken);
    }

    async Task WriteResourceAsync(IResource resource)
    {
        var hasCallback = resource.TryGetLastAnnotation<ManifestPublishingCallbackAnnotation>(out var custom);
        if (hasCallback && custom!.Callback is null)
            return;

        Writer.WriteStartObject(resource.Name);
        await (hasCallback ? custom!.Callback!(this) : WriteBodyAsync(resource));
        Writer.WriteEndObject();
        if (resource is ParameterResource parameter)
            WriteFormatted(parameter);
    }

    Task WriteBodyAsync(IResource resource)
    {
        switch (resource)
        {
            case ContainerResource container:
                return WriteContainerAsync(container);
            case ProjectResource project:
                return WriteProjectAsync(project);
            case ExecutableResource executable:
                return WriteExecutableAsync(executable);
            case ParameterResource parameter:
                WriteParameter(parameter);
                return Task.CompletedTask;
            case IResourceWithConnectionString:
                Writer.WriteString("type", "value.v0");
                WriteConnectionString(resource);
                return Task.CompletedTask;
            default:
                Writer.WriteString("error", "This resource does not support generation in the manifest.");
                return Task.CompletedTask;
        }
    }

    async Task WriteProjectAsync(ProjectResource project)
    {
        Writer.WriteString("type", "project.v0");
        Writer.WriteString("path", GetManifestRelativePath(project.GetProjectMetadata().ProjectPath));
        await WriteCommandLineArgumentsAsync(project);
        await WriteEnvironmentVariablesAsync(project);
        WriteBindings(project);
    }

    async Task WriteExecutableAsync(ExecutableResource executable)
    {
        Writer.WriteString("type", "executable.v0");
        WriteConnectionString(executable);
        Writer.WriteString("workingDirectory", GetManifestRelativePath(executable.WorkingDirectory));
        Writer.WriteString("command", executable.Command);
        await WriteCommandLineArgumentsAsync(executable);
        await WriteEnvironmentVariablesAsync(executable);
        WriteBindings(executable);
    }

    internal void WriteParameter(ParameterResource parameter)
    {
        Writer.WriteString("type", "parameter.v0");
        if (parameter.IsConnectionString)
            Writer.WriteString("connectionString", $"{{{parameter.Name}.value}}");
        Writer.WriteString("value", $"{{{parameter.Name}.inputs.value}}");
        Writer.WriteStartObject("inputs");
        Writer.WriteStartObject("value");
        Writer.WriteString("type", "string");
        if (parameter.Secret)
            Writer.WriteBoolean("secret", true);
        if (parameter.Default is not null)
        {
            Writer.WriteStartObject("default");
            parameter.Default.WriteToManifest(this);
            Writer.WriteEndObject();
        }
        Writer.WriteEndObject();
        Writer.WriteEndObject();
    }

    void WriteBuild(DockerfileBuildAnnotation build)
    {
        Writer.WriteStartObject("build");
        Writer.WriteString("context", GetManifestRelativePath(build.ContextPath));
        Writer.WriteString("dockerfile", GetManifestRelativePath(build.DockerfilePath));
        if (build.Stage is not null)
            Writer.WriteString("stage", build.Stage);
        if (!build.HasEntrypoint)
            Writer.WriteBoolean("buildOnly", true);
        if (build.BuildArguments.Count > 0)
        {
            Writer.WriteStartObject("args");
            foreach (var (name, value) in build.BuildArguments)
            {
                TryAddDependentResources(value);
                Writer.WriteString(name, value is null ? null : Expression(value));
            }
            Writer.WriteEndObject();
        }
        Writer.WriteEndObject();
    }

    void WriteMounts(string property, string sourceProperty, ContainerResource resource, ContainerMountType type, Func<ContainerMountAnnotation, string?> source)
    {
        var mounts = resource.Annotations.OfType<ContainerMountAnnotation>().Where(mount => mount.Type == type).ToArray();
        if (mounts.Length == 0)
            return;

        Writer.WriteStartArray(property);
        foreach (var mount in mounts)
        {
            Writer.WriteStartObject();
            if (source(mount) is { } text)
                Writer.WriteString(sourceProperty, text);
            Writer.WriteString("target", mount.Target.Replace('\\', '/'));
            Writer.WriteBoolean("readOnly", mount.IsReadOnly);
            Writer.WriteEndObject();
        }
        Writer.WriteEndArray();
    }

    void WriteBinding(ResolvedEndpoint resolved)
    {
        var (endpoint, port, targetPort) = (resolved.Endpoint, resolved.ExposedPort, resolved.TargetPort.Value);
        Writer.WriteStartObject(endpoint.Name);
        Writer.WriteString("scheme", endpoint.UriScheme);
        Writer.WriteString("protocol", endpoint.Protocol.ToString().ToLowerInvariant());
        Writer.WriteString("transport", endpoint.Transport);
        if (port is { Value: { } exposed, IsImplicit: false } && exposed != targetPort)
            Writer.WriteNumber("port", exposed);
        if (targetPort is { } target)
            Writer.WriteNumber("targetPort", target);
        if (endpoint.IsExternal)
            Writer.WriteBoolean("external", true);
        Writer.WriteEndObject();
    }
}

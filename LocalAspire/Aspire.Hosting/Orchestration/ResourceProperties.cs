using System.Collections.Immutable;
using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;

namespace LocalAspire;

/// <summary>What the snapshot of a resource tells of it beyond its state, by the names that Aspire's dashboard knows.</summary>
static class ResourceProperties
{
    const string WaitingFor = "resource.waitingFor";

    /// <summary>The program that is about to run, and everything that it is given.</summary>
    public static CustomResourceSnapshot WithLaunch(this CustomResourceSnapshot snapshot, IResource resource, LaunchSpec spec)
    {
        var project = resource.Annotations.OfType<IProjectMetadata>().LastOrDefault();
        var profile = resource.Annotations.OfType<LaunchProfileAnnotation>().LastOrDefault();
        resource.TryGetContainerImageName(out var image);
        return snapshot
            .With(CustomResourceKnownProperties.Source, project?.ProjectPath ?? image ?? spec.FileName)
            .With("project.path", project?.ProjectPath)
            .With("project.launchProfile", profile?.LaunchProfileName)
            .With("container.image", image)
            .With("container.id", spec.Container?.Name)
            .With("container.args", spec.Container?.Arguments.ToImmutableArray(), isSensitive: true)
            .With("executable.path", spec.Container is null ? spec.FileName : null)
            .With("executable.workDir", spec.Container is null ? spec.WorkingDirectory : null)
            .With("executable.args", spec.Container is null ? spec.Arguments.ToImmutableArray() : null, isSensitive: true) with
        {
            EnvironmentVariables = [.. (spec.Container?.Environment ?? spec.Environment).Select(variable => new EnvironmentVariableSnapshot(variable.Key, variable.Value, IsFromSpec: true))],
        };
    }

    /// <param name="snapshot">The snapshot of the one that waits.</param>
    /// <param name="names">The resources that it still waits for.</param>
    public static CustomResourceSnapshot WithWaitingFor(this CustomResourceSnapshot snapshot, IEnumerable<string> names) =>
        names.Distinct().ToImmutableArray() is { IsEmpty: false } pending ? snapshot.With(WaitingFor, pending) : snapshot.Without(WaitingFor);

    static CustomResourceSnapshot With(this CustomResourceSnapshot snapshot, string name, object? value, bool isSensitive = false)
    {
        if (value is null)
            return snapshot;
        var others = snapshot.Without(name);
        return others with { Properties = others.Properties.Add(new(name, value) { IsSensitive = isSensitive }) };
    }

    static CustomResourceSnapshot Without(this CustomResourceSnapshot snapshot, string name) =>
        snapshot with { Properties = snapshot.Properties.RemoveAll(property => property.Name == name) };
}

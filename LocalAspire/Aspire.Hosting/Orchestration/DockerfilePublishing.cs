using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;

namespace LocalAspire;

/// <summary>Puts a container in the place of a resource, for the manifest only.</summary>
static class DockerfilePublishing
{
    public static IResourceBuilder<T> Apply<T>(
        IResourceBuilder<T> builder, string contextPath, Action<IResourceBuilder<ContainerResource>>? configure, Action<IResourceBuilder<ContainerResource>>? prepare = null)
        where T : IResource
    {
        var application = builder.ApplicationBuilder;
        if (application.ExecutionContext.IsRunMode)
            return builder;
        if (application.Resources.OfType<Replacement>().FirstOrDefault(r => r.Name == builder.Resource.Name) is { } existing)
        {
            configure?.Invoke(application.CreateResourceBuilder<ContainerResource>(existing));
            return builder;
        }

        var container = new Replacement(builder.Resource);
        application.Resources[application.Resources.IndexOf(builder.Resource)] = container;
        // The arguments name paths of this machine.
        var replacement = application.CreateResourceBuilder<ContainerResource>(container)
            .WithDockerfile(contextPath)
            .WithArgs(context => context.Args.Clear());
        prepare?.Invoke(replacement);
        configure?.Invoke(replacement);
        return builder.WithManifestPublishingCallback(context => context.WriteContainerAsync(container));
    }

    /// <summary>Shares the annotations, so that what is said of the resource later counts for the container too.</summary>
    sealed class Replacement(IResource replaced) : ContainerResource(replaced.Name)
    {
        public override ResourceAnnotationCollection Annotations => replaced.Annotations;
    }
}

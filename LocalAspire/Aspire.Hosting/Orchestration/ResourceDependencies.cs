using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;
using Microsoft.Extensions.Logging.Abstractions;

namespace LocalAspire;

/// <summary>What a resource needs: what its environment, arguments and connection string refer to, what it waits for, and what it belongs to.</summary>
static class ResourceDependencies
{
    public static async Task<IReadOnlySet<IResource>> OfAsync(
        IResource resource, DistributedApplicationExecutionContext executionContext, bool isRecursive, CancellationToken cancellationToken)
    {
        var found = new HashSet<IResource>();
        var open = new Queue<IResource>([resource]);
        while (open.TryDequeue(out var next))
        {
            foreach (var dependency in await DirectAsync(next, executionContext, cancellationToken))
            {
                if (dependency != resource && found.Add(dependency) && isRecursive)
                    open.Enqueue(dependency);
            }
        }
        return found;
    }

    static async Task<IEnumerable<IResource>> DirectAsync(IResource resource, DistributedApplicationExecutionContext executionContext, CancellationToken cancellationToken)
    {
        var variables = await ResourceCallbacks.EnvironmentAsync(resource, executionContext, NullLogger.Instance, cancellationToken);
        var arguments = await ResourceCallbacks.ArgumentsAsync(resource, executionContext, NullLogger.Instance, cancellationToken);
        IEnumerable<object> connection = resource is IResourceWithConnectionString source ? [source.ConnectionStringExpression] : [];
        IEnumerable<IResource> parent = resource is IResourceWithParent child ? [child.Parent] : [];
        return
        [
            .. variables.Values.Concat(arguments).Concat(connection).SelectMany(ReferenceVariables.ResourcesIn),
            .. resource.Annotations.OfType<WaitAnnotation>().Select(wait => wait.Resource),
            .. parent,
        ];
    }
}

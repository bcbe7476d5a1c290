using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Aspire.Hosting.ApplicationModel;

/// <summary>The environment that a process is about to receive. Values may be strings or anything that resolves late.</summary>
public class EnvironmentCallbackContext(
    DistributedApplicationExecutionContext executionContext,
    IResource resource,
    Dictionary<string, object>? environmentVariables = null,
    CancellationToken cancellationToken = default)
{
    public Dictionary<string, object> EnvironmentVariables { get; } = environmentVariables ?? [];

    public DistributedApplicationExecutionContext ExecutionContext { get; } = executionContext;

    public IResource Resource { get; } = resource;

    public ILogger Logger { get; set; } = NullLogger.Instance;

    public CancellationToken CancellationToken { get; } = cancellationToken;
}

/// <summary>The arguments that a process is about to receive. Values may be strings or anything that resolves late.</summary>
public sealed class CommandLineArgsCallbackContext(IList<object> args, IResource resource, CancellationToken cancellationToken = default)
{
    public IList<object> Args { get; } = args;

    public IResource Resource { get; } = resource;

    public required DistributedApplicationExecutionContext ExecutionContext { get; init; }

    public ILogger Logger { get; set; } = NullLogger.Instance;

    public CancellationToken CancellationToken { get; } = cancellationToken;
}

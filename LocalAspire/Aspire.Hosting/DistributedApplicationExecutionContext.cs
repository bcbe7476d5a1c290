namespace Aspire.Hosting;

public enum DistributedApplicationOperation
{
    Run,
    Publish,
}

/// <summary>What the application was started for.</summary>
public class DistributedApplicationExecutionContext
{
    public DistributedApplicationExecutionContext(DistributedApplicationOperation operation) : this(operation, "manifest") { }

    public DistributedApplicationExecutionContext(DistributedApplicationOperation operation, string publisherName)
    {
        Operation = operation;
        PublisherName = publisherName;
    }

    public DistributedApplicationExecutionContext(DistributedApplicationExecutionContextOptions options)
        : this((options ?? throw new ArgumentNullException(nameof(options))).Operation, options.PublisherName ?? "manifest") => Provider = options.Services;

    public DistributedApplicationOperation Operation { get; }

    public string PublisherName { get; set; }

    public bool IsPublishMode => Operation == DistributedApplicationOperation.Publish;

    public bool IsRunMode => Operation == DistributedApplicationOperation.Run;

    /// <exception cref="InvalidOperationException">The application has not been built yet.</exception>
    public IServiceProvider Services => Provider ?? throw new InvalidOperationException("The services are not available before the application has been built.");

    internal IServiceProvider? Provider { get; set; }
}

public class DistributedApplicationExecutionContextOptions
{
    public DistributedApplicationExecutionContextOptions(DistributedApplicationOperation operation) => Operation = operation;

    public DistributedApplicationExecutionContextOptions(DistributedApplicationOperation operation, string publisherName)
        : this(operation) => PublisherName = publisherName;

    public DistributedApplicationOperation Operation { get; }

    public string? PublisherName { get; }

    public IServiceProvider? Services { get; set; }
}

public class DistributedApplicationException : Exception
{
    public DistributedApplicationException() { }

    public DistributedApplicationException(string message) : base(message) { }

    public DistributedApplicationException(string message, Exception inner) : base(message, inner) { }
}

public class MissingParameterValueException : DistributedApplicationException
{
    public MissingParameterValueException(string message) : base(message) { }

    public MissingParameterValueException(string message, Exception innerException) : base(message, innerException) { }
}

public sealed class DistributedApplicationOptions
{
    /// <summary>The command line; its switches become configuration.</summary>
    public string[]? Args { get; set; }

    /// <summary>The AppHost's assembly; null for the entry assembly.</summary>
    public string? AssemblyName { get; set; }

    /// <summary>The AppHost's directory; null for what the assembly was built from.</summary>
    public string? ProjectDirectory { get; set; }

    public bool DisableDashboard { get; set; }

    /// <summary>Whether the output of the resources goes to the AppHost's own log.</summary>
    public bool EnableResourceLogging { get; set; }

    public bool AllowUnsecuredTransport { get; set; }

    /// <summary>What the dashboard calls the application.</summary>
    public string? DashboardApplicationName { get; set; }

    public string? ContainerRegistryOverride { get; set; }

    public bool? TrustDeveloperCertificate { get; set; }

    public bool? DeveloperCertificateDefaultHttpsTerminationEnabled { get; set; }
}

namespace Aspire.Hosting;

public enum DistributedApplicationOperation
{
    Run,
    Publish,
}

/// <summary>What the application was started for.</summary>
public class DistributedApplicationExecutionContext(DistributedApplicationOperation operation, string publisherName = "manifest")
{
    public DistributedApplicationOperation Operation { get; } = operation;

    public string PublisherName { get; set; } = publisherName;

    public bool IsPublishMode => Operation == DistributedApplicationOperation.Publish;

    public bool IsRunMode => Operation == DistributedApplicationOperation.Run;
}

public class DistributedApplicationException : Exception
{
    public DistributedApplicationException() { }

    public DistributedApplicationException(string message) : base(message) { }

    public DistributedApplicationException(string message, Exception inner) : base(message, inner) { }
}

public class MissingParameterValueException : DistributedApplicationException
{
    public MissingParameterValueException() { }

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
}

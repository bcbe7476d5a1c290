namespace Aspire.Hosting.ApplicationModel;

/// <summary>A value that is known only when the application runs.</summary>
public interface IValueProvider
{
    ValueTask<string?> GetValueAsync(CancellationToken cancellationToken = default);

    ValueTask<string?> GetValueAsync(ValueProviderContext context, CancellationToken cancellationToken = default) =>
        GetValueAsync(cancellationToken);
}

public interface IManifestExpressionProvider
{
    /// <summary>The placeholder that stands for the value in a manifest, such as <c>{redis.connectionString}</c>.</summary>
    string ValueExpression { get; }
}

public interface IExpressionValue : IValueProvider, IManifestExpressionProvider;

public interface IValueWithReferences
{
    IEnumerable<object> References { get; }
}

/// <summary>For whom a value is resolved.</summary>
public class ValueProviderContext
{
    public DistributedApplicationExecutionContext? ExecutionContext { get; init; }

    public IResource? Caller { get; init; }

    /// <summary>The network in which addresses must be usable; null for this machine's.</summary>
    public NetworkIdentifier? Network { get; init; }

    /// <summary>The process that will receive the value: replicas differ in target ports and in instance id.</summary>
    internal LocalAspire.ResourceInstance? Instance { get; init; }
}

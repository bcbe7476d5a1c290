namespace Aspire.Hosting.ApplicationModel;

/// <summary>The connection string of a resource, read when it is needed.</summary>
public class ConnectionStringReference(IResourceWithConnectionString resource, bool optional) : IExpressionValue, IValueWithReferences
{
    public IResourceWithConnectionString Resource { get; } = resource ?? throw new ArgumentNullException(nameof(resource));

    /// <summary>Whether the one who refers can do without a value.</summary>
    public bool Optional { get; } = optional;

    string IManifestExpressionProvider.ValueExpression => Resource.ValueExpression;

    IEnumerable<object> IValueWithReferences.References => [Resource];

    ValueTask<string?> IValueProvider.GetValueAsync(CancellationToken cancellationToken) => ValueAsync(new(), cancellationToken);

    ValueTask<string?> IValueProvider.GetValueAsync(ValueProviderContext context, CancellationToken cancellationToken) => ValueAsync(context, cancellationToken);

    async ValueTask<string?> ValueAsync(ValueProviderContext context, CancellationToken cancellationToken)
    {
        try
        {
            var value = await Resource.GetValueAsync(context, cancellationToken);
            return string.IsNullOrEmpty(value) && !Optional
                ? throw new DistributedApplicationException($"The connection string for the resource '{Resource.Name}' is not available.")
                : value;
        }
        catch (MissingParameterValueException) when (Optional)
        {
            return null;
        }
    }
}

/// <summary>Replaces the connection string of a resource by that of another one.</summary>
public class ConnectionStringRedirectAnnotation(IResourceWithConnectionString resource) : IResourceAnnotation
{
    public IResourceWithConnectionString Resource { get; } = resource;
}

/// <summary>A connection property that is added to those of the resource, or replaces one of them.</summary>
public sealed class ConnectionPropertyAnnotation(string name, ReferenceExpression referenceExpression) : IResourceAnnotation
{
    public string Name { get; } = name;

    public ReferenceExpression Value { get; } = referenceExpression;
}

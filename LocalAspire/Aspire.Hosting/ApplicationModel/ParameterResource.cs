using Aspire.Hosting.Publishing;

namespace Aspire.Hosting.ApplicationModel;

/// <summary>A value that the operator supplies, or that is generated on the first run.</summary>
public class ParameterResource : Resource, IExpressionValue
{
    readonly Lazy<string> _value;

    /// <param name="name">The name, also the key under <c>Parameters:</c>.</param>
    /// <param name="callback">Finds the value, given the default.</param>
    /// <param name="secret">Whether the value must stay out of listings.</param>
    public ParameterResource(string name, Func<ParameterDefault?, string> callback, bool secret = false)
        : base(name)
    {
        ArgumentNullException.ThrowIfNull(callback);
        _value = new(() => callback(Default));
        Secret = secret;
    }

    public ParameterDefault? Default { get; set; }

    public bool Secret { get; }

    public bool IsConnectionString { get; set; }

    /// <summary>Tells whoever is asked for the value.</summary>
    public string? Description { get; set; }

    public bool EnableDescriptionMarkdown { get; set; }

    public string ValueExpression => IsConnectionString ? $"{{{Name}.connectionString}}" : $"{{{Name}.value}}";

    /// <exception cref="MissingParameterValueException">Neither configuration nor a default has a value.</exception>
    public ValueTask<string?> GetValueAsync(CancellationToken cancellationToken) => new(_value.Value);

    /// <inheritdoc cref="GetValueAsync(CancellationToken)"/>
    public ValueTask<string?> GetValueAsync(ValueProviderContext _, CancellationToken cancellationToken) => GetValueAsync(cancellationToken);
}

/// <summary>The value of a parameter that configuration does not set.</summary>
public abstract class ParameterDefault
{
    public abstract string GetDefaultValue();

    /// <summary>Writes the properties of the object <c>default</c> in the manifest.</summary>
    public abstract void WriteToManifest(ManifestPublishingContext context);
}

using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Publishing;
using LocalAspire;
using Microsoft.Extensions.Configuration;

namespace Aspire.Hosting;

public static class ParameterResourceBuilderExtensions
{
    /// <summary>A value from the configuration key <c>Parameters:{name}</c>.</summary>
    public static IResourceBuilder<ParameterResource> AddParameter(this IDistributedApplicationBuilder builder, [ResourceName] string name, bool secret = false) =>
        Add(builder, name, $"Parameters:{name}", null, secret);

    /// <summary>A value that the configuration key <c>Parameters:{name}</c> overrides.</summary>
    public static IResourceBuilder<ParameterResource> AddParameter(
        this IDistributedApplicationBuilder builder, [ResourceName] string name, string value, bool publishValueAsDefault = false, bool secret = false)
    {
        ArgumentNullException.ThrowIfNull(value);
        return builder.AddParameter(name, () => value, publishValueAsDefault, secret);
    }

    /// <inheritdoc cref="AddParameter(IDistributedApplicationBuilder, string, string, bool, bool)"/>
    public static IResourceBuilder<ParameterResource> AddParameter(
        this IDistributedApplicationBuilder builder, [ResourceName] string name, Func<string> valueGetter, bool publishValueAsDefault = false, bool secret = false)
    {
        ArgumentNullException.ThrowIfNull(valueGetter);
        if (publishValueAsDefault && secret)
            throw new ArgumentException("A secret must not be published as a default.", nameof(secret));
        var value = new ComputedParameterDefault(valueGetter);
        ArgumentNullException.ThrowIfNull(builder);
        return Add(builder, $"Parameters:{name}", new ParameterResource(name, _ => Configured(builder.Configuration, $"Parameters:{name}") ?? valueGetter(), secret)
        {
            Default = publishValueAsDefault ? value : null,
        });
    }

    /// <summary>A value from <c>Parameters:{name}</c>, or the default.</summary>
    /// <param name="builder">The application.</param>
    /// <param name="name">The name of the resource.</param>
    /// <param name="value">The default.</param>
    /// <param name="secret">Whether the value must stay out of listings.</param>
    /// <param name="persist">Whether the default, once computed, is kept in the AppHost's user secrets for the runs to come.</param>
    public static IResourceBuilder<ParameterResource> AddParameter(
        this IDistributedApplicationBuilder builder, [ResourceName] string name, ParameterDefault value, bool secret = false, bool persist = false)
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentNullException.ThrowIfNull(value);
        return Add(builder, name, $"Parameters:{name}", persist ? Persisted(builder, name, value) : value, secret);
    }

    public static IResourceBuilder<ParameterResource> AddParameterFromConfiguration(
        this IDistributedApplicationBuilder builder, [ResourceName] string name, string configurationKey, bool secret = false)
    {
        ArgumentException.ThrowIfNullOrEmpty(configurationKey);
        return Add(builder, name, configurationKey, null, secret);
    }

    /// <summary>A connection string from the configuration key <c>ConnectionStrings:{name}</c>.</summary>
    public static IResourceBuilder<IResourceWithConnectionString> AddConnectionString(
        this IDistributedApplicationBuilder builder, [ResourceName] string name, string? environmentVariableName = null)
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentNullException.ThrowIfNull(name);
        var parameter = new ParameterResource(
            name,
            _ => builder.Configuration.GetConnectionString(name) is { Length: > 0 } value ? value : throw Missing($"ConnectionStrings:{name}"),
            secret: true)
        { IsConnectionString = true };
        return builder.AddResource(new ConfiguredConnectionString(parameter, environmentVariableName))
            .WithManifestPublishingCallback(context => context.WriteParameter(parameter));
    }

    /// <summary>A generated password of 22 characters, kept in the AppHost's user secrets when it runs.</summary>
    public static ParameterResource CreateDefaultPasswordParameter(
        IDistributedApplicationBuilder builder,
        string name,
        bool lower = true,
        bool upper = true,
        bool numeric = true,
        bool special = true,
        int minLower = 0,
        int minUpper = 0,
        int minNumeric = 0,
        int minSpecial = 0)
    {
        ArgumentNullException.ThrowIfNull(builder);
        var generated = new GenerateParameterDefault
        {
            MinLength = 22,
            Lower = lower,
            Upper = upper,
            Numeric = numeric,
            Special = special,
            MinLower = minLower,
            MinUpper = minUpper,
            MinNumeric = minNumeric,
            MinSpecial = minSpecial,
        };
        return Create(builder, name, $"Parameters:{name}", Persisted(builder, name, generated), secret: true);
    }

    public static ParameterResource CreateGeneratedParameter(IDistributedApplicationBuilder builder, string name, bool secret, GenerateParameterDefault parameterDefault)
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentNullException.ThrowIfNull(name);
        ArgumentNullException.ThrowIfNull(parameterDefault);
        return Create(builder, name, $"Parameters:{name}", Persisted(builder, name, parameterDefault), secret);
    }

    public static ParameterResource CreateParameter(IDistributedApplicationBuilder builder, string name, bool secret)
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentNullException.ThrowIfNull(name);
        return Create(builder, name, $"Parameters:{name}", null, secret);
    }

    /// <summary>Explains the parameter to whoever is asked for its value.</summary>
    public static IResourceBuilder<ParameterResource> WithDescription(this IResourceBuilder<ParameterResource> builder, string description, bool enableMarkdown = false)
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentNullException.ThrowIfNull(description);
        (builder.Resource.Description, builder.Resource.EnableDescriptionMarkdown) = (description, enableMarkdown);
        return builder;
    }

    static ParameterDefault Persisted(IDistributedApplicationBuilder builder, string name, ParameterDefault value) =>
        builder.ExecutionContext.IsRunMode ? new PersistedParameterDefault(AppHostSecrets.Of(builder), $"Parameters:{name}", value) : value;

    static IResourceBuilder<ParameterResource> Add(IDistributedApplicationBuilder builder, string name, string key, ParameterDefault? value, bool secret)
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentNullException.ThrowIfNull(name);
        return Add(builder, key, Create(builder, name, key, value, secret));
    }

    static IResourceBuilder<ParameterResource> Add(IDistributedApplicationBuilder builder, string key, ParameterResource parameter) => builder.AddResource(parameter)
        .WithInitialState(new()
        {
            ResourceType = "Parameter",
            State = KnownResourceStates.Waiting,
            Properties = [new("parameter.secret", parameter.Secret.ToString()), new(CustomResourceKnownProperties.Source, key)],
        });

    static ParameterResource Create(IDistributedApplicationBuilder builder, string name, string key, ParameterDefault? value, bool secret) =>
        new(name, fallback => Configured(builder.Configuration, key) ?? fallback?.GetDefaultValue() ?? throw Missing(key), secret) { Default = value };

    // An environment variable cannot have a hyphen in its name, so the key with underscores counts as well. Of the two, the one from the
    // stronger source wins: the variable overrides what user secrets keep.
    static string? Configured(IConfigurationRoot configuration, string key)
    {
        var normalised = key.Replace('-', '_');
        return configuration.Providers.Reverse()
            .Select(p => p.TryGet(key, out var value) || p.TryGet(normalised, out value) ? value : null)
            .FirstOrDefault(value => !string.IsNullOrEmpty(value));
    }

    static MissingParameterValueException Missing(string key) => new(
        $"Parameter resource could not be used because configuration key '{key}' is missing and the Parameter has no default value. "
        + $"Set it with `dotnet user-secrets set \"{key}\" <value>` in the AppHost's directory, or as the environment variable "
        + $"{key.Replace(":", "__", StringComparison.Ordinal).Replace('-', '_')}.");
}

sealed class ComputedParameterDefault(Func<string> valueGetter) : ParameterDefault
{
    public override string GetDefaultValue() => valueGetter();

    public override void WriteToManifest(ManifestPublishingContext context) => context.Writer.WriteString("value", valueGetter());
}

/// <summary>A connection string that configuration holds.</summary>
sealed class ConfiguredConnectionString(ParameterResource parameter, string? environmentVariableName)
    : Resource(parameter.Name), IResourceWithConnectionString, IResourceWithoutLifetime
{
    public ReferenceExpression ConnectionStringExpression { get; } = ReferenceExpression.Create($"{parameter}");

    public string? ConnectionStringEnvironmentVariable => environmentVariableName;
}

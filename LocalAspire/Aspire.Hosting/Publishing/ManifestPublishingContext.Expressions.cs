using System.Globalization;
using Aspire.Hosting.ApplicationModel;

namespace Aspire.Hosting.Publishing;

// Expressions point at other resources; those that are not in the model follow after it.
public sealed partial class ManifestPublishingContext
{
    readonly HashSet<string> _names = new(StringComparer.OrdinalIgnoreCase);
    readonly OrderedDictionary<string, IResource> _referenced = [];
    readonly HashSet<object> _visiting = [];
    readonly OrderedDictionary<ParameterResource, OrderedDictionary<string, string>> _formatted = [];
    readonly OrderedDictionary<string, ReferenceExpression> _conditionals = new(StringComparer.OrdinalIgnoreCase);

    /// <summary>Sees to it that the resources that the value refers to are in the manifest.</summary>
    public void TryAddDependentResources(object? value)
    {
        if (value is ReferenceExpression expression)
        {
            AddFormatted(expression);
            AddConditionals(expression);
        }
        if (value is IResource resource)
        {
            if (_referenced.TryAdd(resource.Name, resource))
                _names.Add(resource.Name);
        }
        else if (value is IValueWithReferences composite)
        {
            _visiting.Add(value);
            foreach (var reference in composite.References.Where(reference => !_visiting.Contains(reference)))
                TryAddDependentResources(reference);
            _visiting.Remove(value);
        }
    }

    string Expression(object value) => value switch
    {
        string text => text,
        ReferenceExpression { IsConditional: false } expression => Expression(expression),
        IManifestExpressionProvider provider => provider.ValueExpression,
        bool flag => flag ? "true" : "false",
        _ => Convert.ToString(value, CultureInfo.InvariantCulture) ?? "",
    };

    string Expression(ReferenceExpression expression)
    {
        var holes = expression.ManifestExpressions.ToArray<object>();
        for (var i = 0; i < holes.Length; i++)
        {
            if (expression.StringFormats[i] is { Length: > 0 } format && FormattedName(expression.ValueProviders[i], format) is { } name)
                holes[i] = $"{{{name}.value}}";
        }
        return expression.IsConditional ? expression.ValueExpression : string.Format(CultureInfo.InvariantCulture, expression.Format, holes);
    }

    void AddFormatted(ReferenceExpression expression)
    {
        if (expression.IsConditional)
        {
            AddFormatted(expression.WhenTrue!);
            AddFormatted(expression.WhenFalse!);
            return;
        }
        for (var i = 0; i < expression.ValueProviders.Count; i++)
        {
            if (expression.StringFormats[i] is { Length: > 0 } format)
                FormattedName(expression.ValueProviders[i], format);
        }
    }

    void AddConditionals(ReferenceExpression expression)
    {
        foreach (var conditional in expression.ValueProviders.Prepend(expression).OfType<ReferenceExpression>().Where(e => e.IsConditional))
        {
            _conditionals.TryAdd(conditional.Name!, conditional);
            _names.Add(conditional.Name!);
        }
    }

    /// <summary>A format is a resource of its own, which applies it to the parameter; null where the value is no parameter.</summary>
    string? FormattedName(IValueProvider provider, string format)
    {
        var parameter = provider switch
        {
            ParameterResource direct => direct,
            ReferenceExpression { Format: "{0}", ValueProviders: [ParameterResource inner] } => inner,
            _ => null,
        };
        if (parameter is null)
            return null;

        if (!_formatted.TryGetValue(parameter, out var names))
            _formatted[parameter] = names = [];
        if (!names.TryGetValue(format, out var name))
            names[format] = name = FreeName($"{parameter.Name}-{format}-encoded");
        return name;
    }

    string FreeName(string wanted)
    {
        var name = wanted;
        for (var suffix = 1; !_names.Add(name); suffix++)
            name = string.Create(CultureInfo.InvariantCulture, $"{wanted}-{suffix}");
        return name;
    }

    void WriteFormatted(ParameterResource parameter)
    {
        if (!_formatted.Remove(parameter, out var names))
            return;

        foreach (var (format, name) in names)
        {
            Writer.WriteStartObject(name);
            Writer.WriteString("type", "annotated.string");
            Writer.WriteString("value", parameter.ValueExpression);
            Writer.WriteString("filter", format);
            Writer.WriteEndObject();
        }
    }

    async Task WriteConditionalsAsync()
    {
        foreach (var (name, conditional) in _conditionals)
        {
            Writer.WriteStartObject(name);
            Writer.WriteString("type", "value.v0");
            Writer.WriteString("connectionString", await conditional.GetValueAsync(CancellationToken) ?? "");
            Writer.WriteEndObject();
        }
    }
}

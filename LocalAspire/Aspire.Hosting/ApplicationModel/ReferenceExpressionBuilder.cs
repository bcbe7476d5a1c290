using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text;

namespace Aspire.Hosting.ApplicationModel;

/// <summary>Puts a <see cref="ReferenceExpression"/> together piece by piece.</summary>
public class ReferenceExpressionBuilder
{
    readonly StringBuilder _format;
    readonly List<IValueProvider> _values;
    readonly List<string> _manifestExpressions = [];
    readonly List<string?> _formats = [];

    public ReferenceExpressionBuilder() : this(0, 0) { }

    internal ReferenceExpressionBuilder(int literalLength, int formattedCount)
    {
        _format = new(literalLength);
        _values = new(formattedCount);
    }

    public bool IsEmpty => _format.Length == 0;

    public void Append([InterpolatedStringHandlerArgument("")] in ReferenceExpressionBuilderInterpolatedStringHandler handler) =>
        ArgumentNullException.ThrowIfNull(handler.Builder);

    public void AppendLiteral(string value)
    {
        ArgumentNullException.ThrowIfNull(value);
        _format.Append(value.Replace("{", "{{", StringComparison.Ordinal).Replace("}", "}}", StringComparison.Ordinal));
    }

    public void AppendFormatted(string? value) => AppendFormatted(value, null);

    public void AppendFormatted(string? value, string? format = null)
    {
        if (value is not null)
            AppendLiteral(format is "uri" ? Uri.EscapeDataString(value) : value);
    }

    public void AppendFormatted<T>(T valueProvider)
        where T : IValueProvider, IManifestExpressionProvider => AppendFormatted(valueProvider, null);

    public void AppendFormatted<T>(T valueProvider, string? format)
        where T : IValueProvider, IManifestExpressionProvider => Append(valueProvider, valueProvider.ValueExpression, format);

    void Append(IValueProvider value, string expression, string? format)
    {
        if (format is not (null or "uri"))
            throw new FormatException($"The format '{format}' is not known; a reference expression takes 'uri' only.");

        _format.Append(CultureInfo.InvariantCulture, $"{{{_values.Count}}}");
        _values.Add(value);
        _manifestExpressions.Add(expression);
        _formats.Add(format);
    }

    /// <summary>The same, for a value whose type is known only when the program runs.</summary>
    /// <exception cref="ArgumentException">It is not a value, or it cannot be in a manifest.</exception>
    public void AppendValueProvider(object valueProvider, string? format = null)
    {
        ArgumentNullException.ThrowIfNull(valueProvider);
        var value = valueProvider is IResourceBuilder<IResource> builder ? builder.Resource : valueProvider;
        if (value is not (IValueProvider provider and IManifestExpressionProvider expression))
            throw new ArgumentException($"A value of the type '{value.GetType()}' cannot be part of a reference expression: it must be both an IValueProvider and an IManifestExpressionProvider.", nameof(valueProvider));
        Append(provider, expression.ValueExpression, format);
    }

    [Obsolete(ReferenceExpression.NoFormat, error: true)]
    public void AppendFormatted(ReferenceExpression valueProvider, string format) => throw new NotSupportedException(ReferenceExpression.NoFormat);

    public ReferenceExpression Build() => new(_format.ToString(), [.. _values], [.. _manifestExpressions], [.. _formats]);

    [InterpolatedStringHandler]
    public readonly ref struct ReferenceExpressionBuilderInterpolatedStringHandler(int literalLength, int formattedCount, ReferenceExpressionBuilder builder)
    {
        internal ReferenceExpressionBuilder Builder { get; } = literalLength >= 0 && formattedCount >= 0 ? builder : throw new ArgumentOutOfRangeException(nameof(literalLength));

        public void AppendLiteral(string value) => Builder.AppendLiteral(value);

        public void AppendFormatted(string? value) => Builder.AppendFormatted(value);

        public void AppendFormatted(string? value, string format) => Builder.AppendFormatted(value, format);

        [Obsolete(ReferenceExpression.NoFormat, error: true)]
        public void AppendFormatted(ReferenceExpression valueProvider, string format) => throw new NotSupportedException(ReferenceExpression.NoFormat);

        public void AppendFormatted<T>(T valueProvider)
            where T : IValueProvider, IManifestExpressionProvider => Builder.AppendFormatted(valueProvider);

        public void AppendFormatted<T>(T valueProvider, string? format)
            where T : IValueProvider, IManifestExpressionProvider => Builder.AppendFormatted(valueProvider, format);

        public void AppendFormatted<T>(IResourceBuilder<T> valueProvider)
            where T : IResource, IValueProvider, IManifestExpressionProvider => Builder.AppendFormatted(valueProvider.Resource);

        public void AppendFormatted<T>(IResourceBuilder<T> valueProvider, string? format)
            where T : IResource, IValueProvider, IManifestExpressionProvider => Builder.AppendFormatted(valueProvider.Resource, format);
    }
}

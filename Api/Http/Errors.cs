using System.Globalization;
using System.Runtime.CompilerServices;

namespace AspireJobs.Api.Http;

/// <summary>What is wrong with a request, field by field.</summary>
sealed class Errors
{
    // More help nobody, and a body of a megabyte can be wrong in as many places.
    const int Most = 100;

    readonly Dictionary<string, string[]> _byField = [];
    int _count;

    public bool Any => _byField.Count > 0;

    public IReadOnlyDictionary<string, string[]> ByField => _byField;

    /// <summary>Adds what is wrong with a field; of a hundred on no more.</summary>
    public void Add(string field, string message)
    {
        if (++_count <= Most)
            _byField[field] = _byField.TryGetValue(field, out var earlier) ? [.. earlier, message] : [message];
    }

    /// <summary>Adds what is wrong with a part of the request.</summary>
    public void AddAll(string part, Errors errors)
    {
        foreach (var (field, messages) in errors.ByField)
            foreach (var message in messages)
                Add($"{part}.{field}", $"{part}.{message}");
    }

    /// <summary>Adds the fault, half a sentence, if there is one.</summary>
    public void AddFault(string field, string? fault)
    {
        if (fault is not null)
            Add(field, $"{field} {fault}.");
    }

    public void Require(bool good, string field, string fault)
    {
        if (!good)
            AddFault(field, fault);
    }

    /// <summary>The same for a fault with values in it, which is put together only when it is needed.</summary>
    public void Require(bool good, string field, [InterpolatedStringHandlerArgument(nameof(good))] ref FaultText fault)
    {
        if (!good)
            AddFault(field, fault.ToString());
    }

    [InterpolatedStringHandler]
    public ref struct FaultText
    {
        DefaultInterpolatedStringHandler _text;

        public FaultText(int literalLength, int formattedCount, bool good, out bool isNeeded)
        {
            isNeeded = !good;
            if (isNeeded)
                _text = new(literalLength, formattedCount, CultureInfo.InvariantCulture);
        }

        public void AppendLiteral(string text) => _text.AppendLiteral(text);

        public void AppendFormatted<T>(T value, string? format = null) => _text.AppendFormatted(value, format);

        public override string ToString() => _text.ToStringAndClear();
    }
}

using System.Globalization;

namespace Aspire.Dashboard.Query;

/// <summary>A condition on one field: <c>http.response.status_code:ge:500</c>. The parts are percent-encoded, so that a colon parts them only.</summary>
sealed record FieldFilter(string Field, string Operator, string Value)
{
    static readonly string[] Operators = ["eq", "ne", "contains", "notcontains", "gt", "lt", "ge", "le", "exists"];

    /// <exception cref="BadQueryException"/>
    public static FieldFilter[] Parse(IEnumerable<string?> texts) => [.. texts.Where(text => !string.IsNullOrEmpty(text)).Select(text => Parse(text!))];

    /// <param name="actual">Null when there is no such field.</param>
    public bool Fits(string? actual) => Operator switch
    {
        "exists" => actual is not null,
        "eq" => string.Equals(actual, Value, StringComparison.OrdinalIgnoreCase),
        "ne" => !string.Equals(actual, Value, StringComparison.OrdinalIgnoreCase),
        "contains" => actual?.Contains(Value, StringComparison.OrdinalIgnoreCase) == true,
        "notcontains" => actual?.Contains(Value, StringComparison.OrdinalIgnoreCase) != true,
        "gt" => Compare(actual) > 0,
        "lt" => Compare(actual) < 0,
        "ge" => Compare(actual) >= 0,
        _ => Compare(actual) <= 0,
    };

    // Two numbers as numbers, anything else as text; null compares to nothing.
    int? Compare(string? actual)
    {
        if (actual is null)
            return null;
        if (double.TryParse(actual, CultureInfo.InvariantCulture, out var a) && double.TryParse(Value, CultureInfo.InvariantCulture, out var b))
            return a.CompareTo(b);
        return string.Compare(actual, Value, StringComparison.OrdinalIgnoreCase);
    }

    static FieldFilter Parse(string text)
    {
        var parts = text.Split(':');
        if (parts.Length is not (2 or 3) || !Operators.Contains(parts[1]) || (parts.Length == 2 && parts[1] != "exists"))
            throw new BadQueryException($"'{text}' is not a filter. It must be field:operator:value with one of the operators {string.Join(", ", Operators)}, each part percent-encoded.");
        return new(Uri.UnescapeDataString(parts[0]), parts[1], parts.Length == 3 ? Uri.UnescapeDataString(parts[2]) : "");
    }
}

/// <summary>What was asked for cannot be understood; the message is for the caller.</summary>
sealed class BadQueryException(string message) : Exception(message);

using System.Globalization;
using System.Text;

namespace OpenTelemetry.Exporter.Prometheus;

/// <summary>Names, units, labels and numbers as Prometheus writes them.</summary>
static class PrometheusText
{
    static readonly Dictionary<string, string> Units = new(StringComparer.Ordinal)
    {
        ["d"] = "days", ["h"] = "hours", ["min"] = "minutes", ["s"] = "seconds", ["ms"] = "milliseconds", ["us"] = "microseconds", ["ns"] = "nanoseconds",
        ["By"] = "bytes", ["KiBy"] = "kibibytes", ["MiBy"] = "mebibytes", ["GiBy"] = "gibibytes", ["kBy"] = "kilobytes", ["MBy"] = "megabytes", ["GBy"] = "gigabytes",
        ["Cel"] = "celsius", ["Hz"] = "hertz", ["J"] = "joules", ["W"] = "watts", ["%"] = "percent", ["1"] = "",
    };

    static readonly Dictionary<string, string> PerUnits = new(StringComparer.Ordinal)
    {
        ["s"] = "second", ["min"] = "minute", ["h"] = "hour", ["d"] = "day",
    };

    /// <summary>The unit as a name suffix: <c>By</c> is bytes, <c>By/s</c> bytes_per_second, an annotation such as <c>{job}</c> nothing.</summary>
    public static string Unit(string? ucum)
    {
        var unit = WithoutAnnotations(ucum ?? "");
        if (unit.Split('/') is [var amount, var per] && per.Length > 0)
            return $"{Sanitize(Units.GetValueOrDefault(amount, amount))}_per_{Sanitize(PerUnits.GetValueOrDefault(per, per))}".TrimStart('_');
        return Sanitize(Units.GetValueOrDefault(unit, unit)).Trim('_');
    }

    /// <summary>The family name: characters replaced, unit appended once, <c>_total</c> of a counter taken off.</summary>
    public static string Name(string instrument, string unit, FamilyKind kind)
    {
        var name = Sanitize(instrument);
        if (kind == FamilyKind.Counter && name.EndsWith("_total", StringComparison.Ordinal))
            name = name[..^"_total".Length];
        return unit.Length == 0 || name == unit || name.EndsWith("_" + unit, StringComparison.Ordinal) ? name : $"{name}_{unit}";
    }

    /// <summary>Escaped labels without braces. Names that become the same share one label, values joined by semicolons.</summary>
    public static string Labels(IEnumerable<KeyValuePair<string, object?>> labels)
    {
        var merged = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var (key, value) in labels)
        {
            var name = LabelName(key);
            var text = LabelValue(value);
            merged[name] = merged.TryGetValue(name, out var before) ? $"{before};{text}" : text;
        }

        return string.Join(',', merged.Select(label => $"{label.Key}=\"{Escape(label.Value, quotes: true)}\""));
    }

    public static string Number(double value) =>
        double.IsNaN(value) ? "NaN"
        : double.IsPositiveInfinity(value) ? "+Inf"
        : double.IsNegativeInfinity(value) ? "-Inf"
        : value.ToString("R", CultureInfo.InvariantCulture);

    /// <summary>
    /// A bucket bound in OpenMetrics' canonical form, <c>10.0</c> or <c>1e+06</c>. Both formats use it: written differently, a series would
    /// change its identity with the format that the scraper asks for.
    /// </summary>
    public static string Bound(double value)
    {
        if (!double.IsFinite(value))
            return Number(value);

        var magnitude = Math.Abs(value);
        if (magnitude is >= 1e6 or (> 0 and < 1e-4))
            return value.ToString("0.################e+00", CultureInfo.InvariantCulture);
        var text = value.ToString("R", CultureInfo.InvariantCulture);
        return text.Contains('.', StringComparison.Ordinal) ? text : text + ".0";
    }

    public static string Escape(string text, bool quotes)
    {
        if (text.AsSpan().IndexOfAny('\\', '\n', '"') < 0)
            return text;
        var escaped = text.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\n", "\\n", StringComparison.Ordinal);
        return quotes ? escaped.Replace("\"", "\\\"", StringComparison.Ordinal) : escaped;
    }

    static string WithoutAnnotations(string unit)
    {
        for (int open; (open = unit.IndexOf('{', StringComparison.Ordinal)) >= 0;)
        {
            var close = unit.IndexOf('}', open);
            if (close < 0)
                break;
            unit = unit.Remove(open, close - open + 1);
        }

        return unit;
    }

    static string Sanitize(string name)
    {
        var result = new StringBuilder(name.Length + 1);
        if (name.Length > 0 && char.IsAsciiDigit(name[0]))
            result.Append('_');
        foreach (var c in name)
        {
            var kept = char.IsAsciiLetterOrDigit(c) || c == ':' ? c : '_';
            if (kept != '_' || result.Length == 0 || result[^1] != '_')
                result.Append(kept);
        }

        return result.ToString();
    }

    static string LabelName(string name)
    {
        var result = string.Create(name.Length, name, static (span, source) =>
        {
            for (var i = 0; i < span.Length; i++)
                span[i] = char.IsAsciiLetterOrDigit(source[i]) ? source[i] : '_';
        });
        return result.Length == 0 || char.IsAsciiDigit(result[0]) ? "_" + result : result;
    }

    static string LabelValue(object? value) => value switch
    {
        null => "",
        bool flag => flag ? "true" : "false",
        _ => Convert.ToString(value, CultureInfo.InvariantCulture) ?? "",
    };
}

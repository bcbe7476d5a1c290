using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace AspireJobs.Benchmarks;

/// <summary>One measured figure with what it was measured under, printed as one line of JSON.</summary>
sealed record Figure(string Name, string Unit, int N, double Min, double Median, double? P99, double Max, IReadOnlyDictionary<string, object> Conditions)
{
    /// <summary>From so few values on, the 99th percentile is more than another word for the maximum.</summary>
    const int EnoughForP99 = 100;

    static readonly JsonSerializerOptions Json = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    /// <summary>Prints a figure of these values.</summary>
    /// <param name="name">Its name, which ends in the unit or in the kind of thing measured.</param>
    /// <param name="unit">Unit of the values.</param>
    /// <param name="values">At least one.</param>
    /// <param name="conditions">What differs between figures of the same name, beside what holds for the whole machine.</param>
    public static void Print(string name, string unit, IEnumerable<double> values, params (string Name, object Value)[] conditions)
    {
        var sorted = values.Order().ToArray();
        var figure = new Figure(
            name, unit, sorted.Length, Round(sorted[0]), Round(Quantile(sorted, 0.5)),
            sorted.Length >= EnoughForP99 ? Round(Quantile(sorted, 0.99)) : null, Round(sorted[^1]),
            conditions.Concat(Machine.Conditions).ToDictionary(condition => condition.Name, condition => condition.Value));
        Console.WriteLine(JsonSerializer.Serialize(figure, Json));
    }

    public static double Round(double value) => Math.Round(value, 3);

    /// <summary>Linear between the two nearest values.</summary>
    static double Quantile(double[] sorted, double share)
    {
        var position = share * (sorted.Length - 1);
        var below = (int)position;
        var above = Math.Min(below + 1, sorted.Length - 1);
        return sorted[below] + (sorted[above] - sorted[below]) * (position - below);
    }
}

using System.Globalization;
using System.Text;

namespace OpenTelemetry.Exporter.Prometheus;

/// <summary>Writes families as Prometheus text 0.0.4 or OpenMetrics 1.0.</summary>
sealed class ExpositionWriter(bool openMetrics)
{
    readonly StringBuilder page = new();

    public static string Write(IReadOnlyList<MetricFamily> families, bool openMetrics)
    {
        var writer = new ExpositionWriter(openMetrics);
        foreach (var family in families)
            writer.Family(family);
        if (openMetrics)
            writer.Line("# EOF");
        return writer.page.ToString();
    }

    void Family(MetricFamily family)
    {
        if (family.Samples.Count == 0)
            return;

        var sampleName = family.Name + family.Kind switch
        {
            FamilyKind.Counter => "_total",
            FamilyKind.Info => "_info",
            _ => "",
        };
        Header(family, sampleName);
        foreach (var sample in family.Samples)
        {
            if (sample is HistogramSample histogram)
                Histogram(sampleName, histogram);
            else
                Series(sampleName, sample.Labels, sample.Value, sample.Exemplar);
        }
    }

    // OpenMetrics names the family, text 0.0.4 names what its samples are called.
    void Header(MetricFamily family, string sampleName)
    {
        var name = openMetrics ? family.Name : sampleName;
        Line($"# TYPE {name} {Type(family.Kind)}");
        if (openMetrics && family.Unit.Length > 0 && name.EndsWith("_" + family.Unit, StringComparison.Ordinal))
            Line($"# UNIT {name} {family.Unit}");
        if (family.Help.Length > 0)
            Line($"# HELP {name} {PrometheusText.Escape(family.Help, quotes: openMetrics)}");
    }

    string Type(FamilyKind kind) => kind switch
    {
        FamilyKind.Counter => "counter",
        FamilyKind.Histogram => "histogram",
        FamilyKind.Info when openMetrics => "info",
        _ => "gauge",
    };

    void Histogram(string name, HistogramSample sample)
    {
        var prefix = sample.Labels.Length == 0 ? "" : sample.Labels + ",";
        foreach (var bucket in sample.Buckets)
            Series(name + "_bucket", $"{prefix}le=\"{PrometheusText.Bound(bucket.UpperBound)}\"",
                bucket.CumulativeCount.ToString(CultureInfo.InvariantCulture), bucket.Exemplar);
        Series(name + "_sum", sample.Labels, sample.Value, exemplar: null);
        Series(name + "_count", sample.Labels, sample.Count.ToString(CultureInfo.InvariantCulture), exemplar: null);
    }

    void Series(string name, string labels, string value, SampleExemplar? exemplar)
    {
        page.Append(name);
        if (labels.Length > 0)
            page.Append('{').Append(labels).Append('}');
        page.Append(' ').Append(value);
        if (openMetrics && exemplar is not null)
            page.Append(CultureInfo.InvariantCulture,
                $" # {{trace_id=\"{exemplar.TraceId}\",span_id=\"{exemplar.SpanId}\"}} {PrometheusText.Number(exemplar.Value)} {exemplar.Timestamp.ToUnixTimeMilliseconds() / 1000.0:F3}");
        page.Append('\n');
    }

    // Not AppendLine: the formats know LF only.
    void Line(string text) => page.Append(text).Append('\n');
}

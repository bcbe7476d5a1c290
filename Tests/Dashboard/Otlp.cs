using System.Globalization;

namespace AspireJobs.Tests.Dashboard;

/// <summary>OTLP as JSON, made from little. Times are milliseconds after one moment.</summary>
static class Otlp
{
    const long Origin = 1_795_000_000_000;

    public static double Now => TimeProvider.System.GetUtcNow().ToUnixTimeMilliseconds() - Origin;

    public static object Spans(string service, params object[] spans) => new
    {
        resourceSpans = new[] { new { resource = Resource(service), scopeSpans = new[] { new { scope = new { name = "test" }, spans } } } },
    };

    public static object Logs(string service, params object[] logRecords) => new
    {
        resourceLogs = new[] { new { resource = Resource(service), scopeLogs = new[] { new { scope = new { name = "test" }, logRecords } } } },
    };

    public static object Metrics(string service, params object[] metrics) => new
    {
        resourceMetrics = new[] { new { resource = Resource(service), scopeMetrics = new[] { new { scope = new { name = "meter" }, metrics } } } },
    };

    public static object Span(int trace, int id, int parent, string name, double from, double to, bool isError = false, object[]? attributes = null, int kind = 1, object[]? links = null, int flags = 0) => new
    {
        traceId = TraceId(trace),
        spanId = SpanId(id),
        parentSpanId = parent == 0 ? "" : SpanId(parent),
        name,
        kind,
        startTimeUnixNano = Nano(from),
        endTimeUnixNano = Nano(to),
        attributes = attributes ?? [],
        links = links ?? [],
        flags,
        status = new { code = isError ? 2 : 0 },
    };

    public static object Log(double time, int severity, string body, int trace = 0, int span = 0, params object[] attributes) => new
    {
        timeUnixNano = Nano(time),
        severityNumber = severity,
        body = new { stringValue = body },
        attributes,
        traceId = trace == 0 ? "" : TraceId(trace),
        spanId = span == 0 ? "" : SpanId(span),
    };

    public static object Text(string key, string value) => new { key, value = new { stringValue = value } };

    public static object Number(string key, long value) => new { key, value = new { intValue = value.ToString(CultureInfo.InvariantCulture) } };

    public static string TraceId(int number) => number.ToString("x32", CultureInfo.InvariantCulture);

    public static string SpanId(int number) => number.ToString("x16", CultureInfo.InvariantCulture);

    public static string Nano(double milliseconds) => ((long)((Origin + milliseconds) * 1000) * 1000).ToString(CultureInfo.InvariantCulture);

    static object Resource(string service) => new { attributes = new[] { Text("service.name", service), Text("service.instance.id", "one") } };
}

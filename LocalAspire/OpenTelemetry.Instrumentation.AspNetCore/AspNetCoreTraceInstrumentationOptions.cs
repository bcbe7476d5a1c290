using Microsoft.AspNetCore.Http;

namespace OpenTelemetry.Instrumentation.AspNetCore;

/// <summary>Which requests get a server span, and what is recorded on it.</summary>
public class AspNetCoreTraceInstrumentationOptions
{
    /// <summary>
    /// Returns whether a request is recorded; asked before routing, so by path or header, not by endpoint. Null records all.
    /// A filter that throws counts as false.
    /// </summary>
    public Func<HttpContext, bool>? Filter { get; set; }

    /// <summary>Whether an exception that made the request fail is also added to the span as an event. Default: false.</summary>
    public bool RecordException { get; set; }
}

namespace OpenTelemetry.Trace;

/// <summary>Spans of outgoing HTTP requests.</summary>
public static class HttpClientInstrumentationTracerProviderBuilderExtensions
{
    /// <summary>Collects the client spans that .NET itself creates, complete by the HTTP semantic conventions and with the query redacted.</summary>
    public static TracerProviderBuilder AddHttpClientInstrumentation(this TracerProviderBuilder builder) =>
        builder.AddSource("System.Net.Http");
}

using System.Collections.Concurrent;
using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using Microsoft.AspNetCore.Diagnostics;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Routing;

namespace OpenTelemetry.Instrumentation.AspNetCore;

/// <summary>Adds to the native server span what .NET 10 leaves out: name, route, status code, protocol, error.</summary>
sealed class ServerSpanEnricher : IObserver<KeyValuePair<string, object?>>, IDisposable
{
    const string Start = "Microsoft.AspNetCore.Hosting.HttpRequestIn.Start";
    const string Stop = "Microsoft.AspNetCore.Hosting.HttpRequestIn.Stop";
    const string Unhandled = "Microsoft.AspNetCore.Hosting.UnhandledException";
    const string ExceptionKey = "LocalAspire.UnhandledException";

    // No more of them than there are known methods and routes.
    static readonly ConcurrentDictionary<(string Verb, string Route), string> Names = new();

    readonly AspNetCoreTraceInstrumentationOptions options;
    readonly IDisposable? subscription;

    public ServerSpanEnricher(DiagnosticListener? listener, AspNetCoreTraceInstrumentationOptions options)
    {
        this.options = options;
        // Hosting asks for the bare activity name before it writes either of the two events below it.
        subscription = listener?.Subscribe(this, name =>
            name is Start or Stop or Unhandled or "Microsoft.AspNetCore.Hosting.HttpRequestIn");
    }

    public void OnNext(KeyValuePair<string, object?> value)
    {
        if (value is { Key: Unhandled, Value: { } payload })
            KeepException(payload);
        else if (value is { Key: Start, Value: HttpContext starting } && Activity.Current is { IsAllDataRequested: true } current)
            // The feature that holds the activity is set only after this event.
            ApplyFilter(starting, current);
        else if (value is { Key: Stop, Value: HttpContext ending } && ending.Features.Get<IHttpActivityFeature>()?.Activity is { IsAllDataRequested: true } activity)
            Complete(ending, activity);
    }

    public void OnCompleted()
    {
    }

    public void OnError(Exception error)
    {
    }

    public void Dispose() => subscription?.Dispose();

    void ApplyFilter(HttpContext context, Activity activity)
    {
        if (options.Filter is null || Passes(context))
            return;

        activity.IsAllDataRequested = false;
        activity.ActivityTraceFlags &= ~ActivityTraceFlags.Recorded;
    }

    bool Passes(HttpContext context)
    {
        try
        {
            return options.Filter!(context);
        }
#pragma warning disable CA1031 // Documented: a faulty filter costs the span, never the request.
        catch (Exception)
#pragma warning restore CA1031
        {
            return false;
        }
    }

    // The payload is an anonymous type of the framework: { httpContext, timestamp, exception }.
    [UnconditionalSuppressMessage("Trimming", "IL2075", Justification = "DiagnosticSource.Write keeps the properties of what it is given.")]
    static void KeepException(object payload)
    {
        if (payload.GetType().GetProperty("httpContext")?.GetValue(payload) is HttpContext context &&
            payload.GetType().GetProperty("exception")?.GetValue(payload) is Exception exception)
            context.Items[ExceptionKey] = exception;
    }

    void Complete(HttpContext context, Activity activity)
    {
        var unhandled = context.Items[ExceptionKey] as Exception;
        // The exception handler clears the endpoint and keeps it in its feature.
        var handled = context.Features.Get<IExceptionHandlerFeature>();
        var route = ((context.GetEndpoint() ?? handled?.Endpoint) as RouteEndpoint)?.RoutePattern.RawText;
        // The server answers 500 to an unhandled exception, but sets the code only after this event.
        var code = unhandled is not null && !context.Response.HasStarted ? 500 : context.Response.StatusCode;

        if (!string.IsNullOrEmpty(route))
            activity.SetTag("http.route", route);
        activity.DisplayName = SpanName(activity.GetTagItem("http.request.method") as string, route);
        activity.SetTag("http.response.status_code", code);
        activity.SetTag("network.protocol.version", Version(context.Request.Protocol));

        if (code >= 500 || unhandled is not null)
            Fail(activity, code, unhandled ?? handled?.Error);
    }

    static string SpanName(string? method, string? route)
    {
        var verb = method is null or "_OTHER" ? "HTTP" : method;
        return string.IsNullOrEmpty(route) ? verb : Names.GetOrAdd((verb, route), name => $"{name.Verb} {name.Route}");
    }

    static string Version(string protocol) => protocol switch
    {
        "HTTP/1.1" => "1.1",
        "HTTP/2" => "2",
        "HTTP/3" => "3",
        _ => protocol[(protocol.LastIndexOf('/') + 1)..],
    };

    void Fail(Activity activity, int code, Exception? exception)
    {
        activity.SetStatus(ActivityStatusCode.Error);
        activity.SetTag("error.type", exception?.GetType().FullName ?? code.ToString(System.Globalization.CultureInfo.InvariantCulture));
        if (exception is not null && options.RecordException)
            activity.AddException(exception);
    }
}

using System.Diagnostics;
using System.Net.Sockets;
using AspireJobs.Jobs;
using Microsoft.AspNetCore.Diagnostics;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.WebUtilities;
using Npgsql;

namespace AspireJobs.Api.Http;

/// <summary>Problem details (RFC 9457), each with a stable <c>type</c> and the trace id of the request.</summary>
static class Problems
{
    public static ProblemHttpResult Invalid(IReadOnlyDictionary<string, string[]> errors) =>
        Create(StatusCodes.Status400BadRequest, "invalid-request", "The request is not valid; nothing was changed.", errors: errors);

    public static ProblemHttpResult Invalid(string field, string message) =>
        Invalid(new Dictionary<string, string[]> { [field] = [message] });

    public static ProblemHttpResult NotFound(string what, string name) =>
        Create(StatusCodes.Status404NotFound, $"unknown-{what.ToLowerInvariant().Replace(' ', '-')}", $"There is no {what} '{Shorten(name)}'.");

    public static ProblemHttpResult Conflict(string type, string title) => Create(StatusCodes.Status409Conflict, type, title);

    public static ProblemHttpResult TooLarge() =>
        Create(StatusCodes.Status413PayloadTooLarge, "body-too-large", $"The body is larger than {Limits.BodyBytes:N0} bytes; nothing was changed.");

    public static ProblemHttpResult UnsupportedMedia(string type, string title) => Create(StatusCodes.Status415UnsupportedMediaType, type, title);

    /// <summary>A body that the server would not read to its end.</summary>
    public static ProblemHttpResult Unreadable(BadHttpRequestException exception) => exception.StatusCode == StatusCodes.Status413PayloadTooLarge
        ? TooLarge()
        : Create(exception.StatusCode, "unreadable-body", exception.Message);

    public static ProblemHttpResult Create(int status, string type, string title, string? detail = null, IReadOnlyDictionary<string, string[]>? errors = null)
    {
        var problem = new ProblemDetails { Status = status, Type = Urn(type), Title = title, Detail = detail };
        if (errors is not null)
            problem.Extensions["errors"] = errors;
        return TypedResults.Problem(problem);
    }

    /// <summary>Puts the trace id into every problem, and completes those that the framework makes: unmatched routes, wrong methods, refused bodies, exceptions.</summary>
    public static void Complete(ProblemDetailsContext context)
    {
        var problem = context.ProblemDetails;
        AddTraceId(problem);
        if (problem.Type?.StartsWith("urn:", StringComparison.Ordinal) == true)
            return;
        var status = problem.Status ??= context.HttpContext.Response.StatusCode;
        var error = context.HttpContext.Features.Get<IExceptionHandlerFeature>()?.Error;
        (var type, problem.Title) = (status, error) switch
        {
            (StatusCodes.Status503ServiceUnavailable, _) => ("store-unavailable", "The job store does not answer. If the request was to change something, look whether it did before you repeat it."),
            (StatusCodes.Status500InternalServerError, _) => ("internal-error", "Something failed on our side. The trace id leads to the cause."),
            (StatusCodes.Status404NotFound, _) => ("unknown-route", $"There is nothing at {context.HttpContext.Request.Path}."),
            _ => (ReasonPhrases.GetReasonPhrase(status).ToLowerInvariant().Replace(' ', '-'), ReasonPhrases.GetReasonPhrase(status)),
        };
        problem.Type = Urn(type);
    }

    /// <summary>The status of a request that ended in an exception.</summary>
    public static int StatusOf(Exception exception) => exception switch
    {
        BadHttpRequestException bad => bad.StatusCode,
        // An unknown host name comes as the bare exception of the socket.
        NpgsqlException or SocketException or TimeoutException when JobsDatabase.MayPass(exception) => StatusCodes.Status503ServiceUnavailable,
        _ => StatusCodes.Status500InternalServerError,
    };

    static string Urn(string type) => $"urn:aspirejobs:problem:{type}";

    static string Shorten(string name) => name.Length > 100 ? name[..100] + "…" : name;

    static void AddTraceId(ProblemDetails problem)
    {
        // The framework's own member is the whole trace parent, under either spelling.
        problem.Extensions.Remove("traceId");
        problem.Extensions.Remove("trace_id");
        if (Activity.Current is { } activity)
            problem.Extensions["trace_id"] = activity.TraceId.ToHexString();
    }
}

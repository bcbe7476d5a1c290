using System.Reflection;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Http.Json;
using Microsoft.Extensions.Options;
using Microsoft.Net.Http.Headers;

namespace AspireJobs.Api.Http;

/// <summary>
/// A JSON body, or what is wrong with it. Unlike the framework's binding it names every faulty field, also unknown ones,
/// instead of stopping at the first. <see cref="BodyFilter"/> answers faulty ones before the handler is called. A parameter that may be null
/// is null when nothing was sent.
/// </summary>
sealed class Body<T> : IBody, IBindableFromHttpContext<Body<T>> where T : class
{
    T? _value;

    public T Value => _value ?? throw new InvalidOperationException("The body is faulty; BodyFilter is missing on the route.");

    public IResult? Problem { get; private init; }

    public static async ValueTask<Body<T>?> BindAsync(HttpContext context, ParameterInfo parameter)
    {
        if (context.Features.Get<IHttpRequestBodyDetectionFeature>() is { CanHaveBody: false } && IsOptional(parameter))
            return null;
        if (UnsupportedMedia(context) is { } unsupported)
            return new() { Problem = unsupported };
        var options = context.RequestServices.GetRequiredService<IOptions<JsonOptions>>().Value.SerializerOptions;
        var type = (JsonTypeInfo<T>)options.GetTypeInfo(typeof(T));
        using var buffer = new MemoryStream();
        try
        {
            if (!await ReadAsync(context, buffer))
                return new() { Problem = Problems.TooLarge() };
        }
        catch (BadHttpRequestException e)
        {
            return new() { Problem = Problems.Unreadable(e) };
        }
        var utf8 = buffer.GetBuffer().AsMemory(0, (int)buffer.Length);
        if (utf8.Span.StartsWith(Encoding.UTF8.Preamble))
            utf8 = utf8[Encoding.UTF8.Preamble.Length..];
        try
        {
            if (JsonSerializer.Deserialize(utf8.Span, type) is not { } value)
                return new() { Problem = Problems.Invalid("$", "The body must be a JSON object.") };
            return BodyFaults.FieldWithNul(utf8) is { } field
                ? new() { Problem = Problems.Invalid(field, $"{field} must not contain the character U+0000.") }
                : new() { _value = value };
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            return new() { Problem = Problems.Invalid(BodyFaults.Find(utf8, type, e as JsonException)) };
        }
    }

    static ProblemHttpResult? UnsupportedMedia(HttpContext context)
    {
        // What nearly all send needs no parser.
        if (context.Request.ContentType is not "application/json" and var sent)
        {
            if (!context.Request.HasJsonContentType())
                return Problems.UnsupportedMedia("not-json", "The body must be application/json.");
            var charset = HeaderUtilities.RemoveQuotes(MediaTypeHeaderValue.Parse(sent).Charset);
            if (charset.Length > 0 && !charset.Equals("utf-8", StringComparison.OrdinalIgnoreCase) && !charset.Equals("utf8", StringComparison.OrdinalIgnoreCase))
                return Problems.UnsupportedMedia("not-utf-8", "The body must be in UTF-8; leave the charset out of its Content-Type.");
        }
        if (context.Request.Headers.ContentEncoding.ToString() is not ("" or "identity"))
        {
            context.Response.Headers.AcceptEncoding = "identity";
            return Problems.UnsupportedMedia("encoded-body", "The body must be sent as it is, without compression; leave Content-Encoding out.");
        }
        return null;
    }

    static bool IsOptional(ParameterInfo parameter) => new NullabilityInfoContext().Create(parameter).ReadState == NullabilityState.Nullable;

    static async Task<bool> ReadAsync(HttpContext context, MemoryStream buffer)
    {
        var total = 0;
        while (true)
        {
            var read = await context.Request.BodyReader.ReadAsync(context.RequestAborted);
            foreach (var segment in read.Buffer)
                if ((total += segment.Length) <= Limits.BodyBytes)
                    buffer.Write(segment.Span);
            context.Request.BodyReader.AdvanceTo(read.Buffer.End);
            if (read.IsCompleted)
                return total <= Limits.BodyBytes;
        }
    }
}

interface IBody
{
    IResult? Problem { get; }
}

/// <summary>Answers requests whose body is faulty.</summary>
sealed class BodyFilter : IEndpointFilter
{
    public ValueTask<object?> InvokeAsync(EndpointFilterInvocationContext context, EndpointFilterDelegate next)
    {
        foreach (var argument in context.Arguments)
            if (argument is IBody { Problem: { } problem })
                return ValueTask.FromResult<object?>(problem);
        return next(context);
    }
}

using System.Text.Json;
using Aspire.Dashboard.Store;
using Google.Protobuf;

namespace Aspire.Dashboard.Otlp;

/// <summary>OTLP/HTTP: <c>POST /v1/traces</c>, <c>/v1/logs</c> and <c>/v1/metrics</c>, in Protobuf or JSON.</summary>
sealed class OtlpHttpReceiver(OtlpSignals signals, DashboardOptions options)
{
    const string Protobuf = "application/x-protobuf";
    const string Json = "application/json";
    // Codes of google.rpc.Code, which the body of an error carries.
    const int InvalidArgument = 3, ResourceExhausted = 8, Unauthenticated = 16;

    static readonly Dictionary<string, string> Rejected = new()
    {
        ["traces"] = "rejectedSpans",
        ["logs"] = "rejectedLogRecords",
        ["metrics"] = "rejectedDataPoints",
    };

    public async Task ReceiveAsync(HttpContext context)
    {
        var (request, response) = (context.Request, context.Response);
        var signal = request.Path.Value!["/v1/".Length..];
        var type = request.ContentType?.Split(';')[0].Trim().ToLowerInvariant();
        var isJson = type == Json;
        string? encoding = request.Headers.ContentEncoding;
        if (!OtlpApiKey.IsValid(request, options.Otlp))
            await FailAsync(response, isJson, StatusCodes.Status401Unauthorized, Unauthenticated, OtlpApiKey.Reason);
        else if (type is not (Protobuf or Json))
            await FailAsync(response, isJson: false, StatusCodes.Status415UnsupportedMediaType, InvalidArgument, $"Content-Type must be {Protobuf} or {Json}.");
        else if (!OtlpBody.Supports(encoding))
            await FailAsync(response, isJson, StatusCodes.Status415UnsupportedMediaType, InvalidArgument, "Content-Encoding must be gzip, deflate or identity.");
        else
            await ReceiveAsync(context, signal, isJson, encoding);
    }

    async Task ReceiveAsync(HttpContext context, string signal, bool isJson, string? encoding)
    {
        try
        {
            using var body = await OtlpBody.ReadAsync(context.Request.Body, encoding, options.Otlp.MaxRequestBytes, context.RequestAborted);
            await AnswerAsync(context.Response, signal, isJson, signals.Add(signal, body.Bytes, isJson));
        }
        catch (OtlpFormatException e)
        {
            await FailAsync(context.Response, isJson, StatusCodes.Status400BadRequest, InvalidArgument, e.Message);
        }
        catch (OtlpTooLargeException e)
        {
            await FailAsync(context.Response, isJson, StatusCodes.Status413PayloadTooLarge, ResourceExhausted, e.Message);
        }
    }

    static async Task AnswerAsync(HttpResponse response, string signal, bool isJson, IngestResult result)
    {
        if (!isJson)
        {
            await WriteAsync(response, StatusCodes.Status200OK, Protobuf, Answer(result).ToByteArray());
            return;
        }

        await using var json = Start(response, StatusCodes.Status200OK);
        json.WriteStartObject();
        if (result.Reason is not null)
        {
            json.WriteStartObject("partialSuccess");
            json.WriteString(Rejected[signal], $"{result.Rejected}");
            json.WriteString("errorMessage", result.Reason);
            json.WriteEndObject();
        }
        json.WriteEndObject();
    }

    public static ExportResponse Answer(IngestResult result) => result.Reason is null ? new() : new()
    {
        PartialSuccess = new() { Rejected = result.Rejected, ErrorMessage = result.Reason },
    };

    static async Task FailAsync(HttpResponse response, bool isJson, int status, int code, string message)
    {
        if (!isJson)
        {
            await WriteAsync(response, status, Protobuf, new RpcStatus { Code = code, Message = message }.ToByteArray());
            return;
        }

        await using var json = Start(response, status);
        OtlpJson.Write(json, new RpcStatus { Code = code, Message = message });
    }

    static Utf8JsonWriter Start(HttpResponse response, int status)
    {
        (response.StatusCode, response.ContentType) = (status, Json);
        return new(response.BodyWriter);
    }

    static async Task WriteAsync(HttpResponse response, int status, string type, byte[] body)
    {
        (response.StatusCode, response.ContentType, response.ContentLength) = (status, type, body.Length);
        await response.Body.WriteAsync(body);
    }
}

static class OtlpHttpRoutes
{
    public static void MapOtlpHttp(this IEndpointRouteBuilder routes)
    {
        foreach (var signal in new[] { "traces", "logs", "metrics" })
            routes.MapPost($"/v1/{signal}", (HttpContext context, OtlpHttpReceiver receiver) => receiver.ReceiveAsync(context));
    }
}

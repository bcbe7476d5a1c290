using System.Buffers.Binary;
using System.Globalization;
using System.Text;
using Google.Protobuf;

namespace Aspire.Dashboard.Otlp;

/// <summary>OTLP/gRPC: one message in, one out. gRPC is HTTP/2 with a prefix of five bytes before a message and the outcome in a trailer.</summary>
sealed class OtlpGrpcReceiver(OtlpSignals signals, DashboardOptions options)
{
    const int PrefixLength = 5;
    const int InvalidArgument = 3, ResourceExhausted = 8, Unimplemented = 12, Unauthenticated = 16;

    /// <summary>The method, as the path of the request, and the signal that it carries.</summary>
    public static readonly IReadOnlyDictionary<string, string> Methods = new Dictionary<string, string>
    {
        ["/opentelemetry.proto.collector.trace.v1.TraceService/Export"] = "traces",
        ["/opentelemetry.proto.collector.logs.v1.LogsService/Export"] = "logs",
        ["/opentelemetry.proto.collector.metrics.v1.MetricsService/Export"] = "metrics",
    };

    public async Task ReceiveAsync(HttpContext context)
    {
        var (request, response) = (context.Request, context.Response);
        if (request.ContentType?.StartsWith("application/grpc", StringComparison.OrdinalIgnoreCase) != true)
        {
            response.StatusCode = StatusCodes.Status415UnsupportedMediaType;
            return;
        }

        response.ContentType = "application/grpc";
        string? encoding = request.Headers["grpc-encoding"];
        if (!Methods.TryGetValue(request.Path.Value!, out var signal))
            Fail(response, Unimplemented, $"There is no method {request.Path}.");
        else if (!OtlpApiKey.IsValid(request, options.Otlp))
            Fail(response, Unauthenticated, OtlpApiKey.Reason);
        else if (!OtlpBody.Supports(encoding))
            FailEncoding(response, encoding);
        else
            await ReceiveAsync(context, signal, encoding);
    }

    async Task ReceiveAsync(HttpContext context, string signal, string? encoding)
    {
        try
        {
            using var framed = await OtlpBody.ReadAsync(context.Request.Body, null, options.Otlp.MaxRequestBytes, context.RequestAborted);
            var (message, isCompressed) = Unframe(framed.Bytes);
            using var body = isCompressed ? await DecompressAsync(message, encoding, context.RequestAborted) : null;
            await AnswerAsync(context.Response, OtlpHttpReceiver.Answer(signals.Add(signal, body?.Bytes ?? message, isJson: false)));
        }
        catch (OtlpFormatException e)
        {
            Fail(context.Response, InvalidArgument, e.Message);
        }
        catch (OtlpTooLargeException e)
        {
            Fail(context.Response, ResourceExhausted, e.Message);
        }
    }

    static (ReadOnlyMemory<byte> Message, bool IsCompressed) Unframe(ReadOnlyMemory<byte> framed)
    {
        if (framed.Length < PrefixLength || framed.Span[0] > 1)
            throw new OtlpFormatException("The message has no gRPC prefix.");
        var length = BinaryPrimitives.ReadUInt32BigEndian(framed.Span[1..]);
        return length == framed.Length - PrefixLength
            ? (framed[PrefixLength..], framed.Span[0] == 1)
            : throw new OtlpFormatException($"The gRPC prefix announces one message of {length} bytes, but {framed.Length - PrefixLength} came.");
    }

    async Task<OtlpBody> DecompressAsync(ReadOnlyMemory<byte> message, string? encoding, CancellationToken cancellationToken)
    {
        if (encoding is null or "" or "identity")
            throw new OtlpFormatException("The gRPC prefix says that the message is compressed, but there is no grpc-encoding.");
        await using var source = new MemoryStream(message.ToArray());
        return await OtlpBody.ReadAsync(source, encoding, options.Otlp.MaxRequestBytes, cancellationToken);
    }

    static async Task AnswerAsync(HttpResponse response, ExportResponse answer)
    {
        var message = answer.ToByteArray();
        var framed = new byte[PrefixLength + message.Length];
        BinaryPrimitives.WriteInt32BigEndian(framed.AsSpan(1), message.Length);
        message.CopyTo(framed, PrefixLength);
        response.DeclareTrailer("grpc-status");
        await response.Body.WriteAsync(framed);
        response.AppendTrailer("grpc-status", "0");
    }

    /// <summary>Without a message the outcome stands among the headers.</summary>
    static void Fail(HttpResponse response, int code, string message)
    {
        response.Headers["grpc-status"] = code.ToString(CultureInfo.InvariantCulture);
        response.Headers["grpc-message"] = Encode(message);
    }

    static void FailEncoding(HttpResponse response, string? encoding)
    {
        response.Headers["grpc-accept-encoding"] = "identity,gzip,deflate";
        Fail(response, Unimplemented, $"The encoding '{encoding}' is not supported.");
    }

    // Percent-encoding of everything that is not printable ASCII, and of the percent sign.
    static string Encode(string message)
    {
        var text = new StringBuilder(message.Length);
        foreach (var b in Encoding.UTF8.GetBytes(message))
        {
            if (b is >= 0x20 and <= 0x7e and not (byte)'%')
                text.Append((char)b);
            else
                text.Append(CultureInfo.InvariantCulture, $"%{b:X2}");
        }
        return text.ToString();
    }
}

using System.Globalization;
using System.Net.Http.Headers;
using System.Text;
using Microsoft.Extensions.Options;

namespace AspireJobs.Webhooks;

/// <summary>What became of one attempt.</summary>
/// <param name="StatusCode">The receiver's answer, if it gave one.</param>
/// <param name="Error">What went wrong; null if the receiver took the message.</param>
/// <param name="Excerpt">Beginning of the text that came with an error.</param>
/// <param name="RetryAfter">The wait that the receiver asked for.</param>
sealed record SendResult(int? StatusCode, string? Error = null, string? Excerpt = null, TimeSpan? RetryAfter = null)
{
    /// <summary>The error, with the receiver's words if it had any.</summary>
    public string Explanation => string.IsNullOrEmpty(Excerpt) ? Error! : $"{Error}: {Excerpt}";
}

/// <summary>Posts signed messages. No redirect, proxy or cookie: a message goes where the caller said, under the guard's eyes, or nowhere.</summary>
sealed class WebhookSender(IOptions<WebhooksOptions> options, TargetAddressGuard guard, TimeProvider time) : IDisposable
{
    const int ExcerptBytes = 1024;

    // Not from the client factory, whose defaults add retries and service discovery: the schedule is ours, and internal names are not for callers.
    readonly HttpClient _http = new(new SocketsHttpHandler
    {
        ConnectCallback = guard.ConnectAsync,
        ActivityHeadersPropagator = new TraceParentPropagator(),
        AllowAutoRedirect = false,
        UseProxy = false,
        UseCookies = false,
        MaxResponseHeadersLength = 16,
        MaxResponseDrainSize = 16 * 1024,
        PooledConnectionLifetime = TimeSpan.FromMinutes(2),
    })
    { Timeout = Timeout.InfiniteTimeSpan };

    /// <summary>Signs and posts a message, and reports what happened. Throws only when cancelled.</summary>
    public async Task<SendResult> PostAsync(Uri url, string id, byte[] body, byte[] secret, CancellationToken cancellationToken)
    {
        using var timeout = new CancellationTokenSource(options.Value.Timeout, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, cancellationToken);
        try
        {
            using var request = Request(url, id, body, secret);
            using var response = await _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, either.Token);
            return await ResultAsync(response, either.Token, cancellationToken);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return new(null, $"no answer within {options.Value.TimeoutSeconds} s");
        }
        catch (Exception exception) when (exception is not OperationCanceledException)
        {
            // Of any type: a host without a form in ASCII, for one, is a UriFormatException.
            return new(null, Text(exception.InnerException?.Message ?? exception.Message));
        }
    }

    public void Dispose() => _http.Dispose();

    HttpRequestMessage Request(Uri url, string id, byte[] body, byte[] secret)
    {
        // The time of this attempt: receivers refuse what is older than some minutes.
        var timestamp = time.GetUtcNow().ToUnixTimeSeconds();
        return new HttpRequestMessage(HttpMethod.Post, url)
        {
            Content = new ByteArrayContent(body) { Headers = { ContentType = new MediaTypeHeaderValue("application/json") } },
            Headers =
            {
                { "user-agent", "AspireJobs" },
                { "webhook-id", id },
                { "webhook-timestamp", timestamp.ToString(CultureInfo.InvariantCulture) },
                { "webhook-signature", WebhookSignature.Sign(secret, id, timestamp, body) },
            },
        };
    }

    async Task<SendResult> ResultAsync(HttpResponseMessage response, CancellationToken timeout, CancellationToken cancellationToken)
    {
        var statusCode = (int)response.StatusCode;
        if (response.IsSuccessStatusCode)
            return new(statusCode);
        return new(statusCode, $"HTTP {statusCode}", await ExcerptAsync(response, timeout, cancellationToken), RetryAfter(response));
    }

    TimeSpan? RetryAfter(HttpResponseMessage response) =>
        response.Headers.RetryAfter is { } header ? header.Delta ?? header.Date - time.GetUtcNow() : null;

    static async Task<string> ExcerptAsync(HttpResponseMessage response, CancellationToken timeout, CancellationToken cancellationToken)
    {
        try
        {
            await using var stream = await response.Content.ReadAsStreamAsync(timeout);
            var bytes = new byte[ExcerptBytes];
            var length = await stream.ReadAtLeastAsync(bytes, bytes.Length, throwOnEndOfStream: false, timeout);
            return Text(Encoding.UTF8.GetString(bytes, 0, length));
        }
        catch (Exception exception) when (exception is IOException or HttpRequestException
            || (exception is OperationCanceledException && !cancellationToken.IsCancellationRequested))
        {
            // The status code is the answer; its text would only have explained it.
            return "";
        }
    }

    /// <summary>One line that Postgres can store, which it cannot do with U+0000.</summary>
    static string Text(string text) => string.Concat(text.Select(c => char.IsControl(c) ? ' ' : c)).Trim();
}

using System.Text.Json;

namespace AspireJobs.Tests.Infrastructure;

/// <summary>Receivers that check signatures with a library.</summary>
static class StandardWebhooks
{
    /// <summary>Which of the libraries of Standard Webhooks and of Svix accept this callback.</summary>
    public static async Task<string[]> VerifiersAsync(string secret, ReceivedCallback callback) =>
        (await Foreign.RunAsync("verify.js", [], JsonSerializer.Serialize(new { secret, body = callback.Body, headers = callback.Headers }))).Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);
}

using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace AspireJobs.Webhooks;

/// <summary>The symmetric signature of Standard Webhooks 1.0.0.</summary>
static class WebhookSignature
{
    /// <summary><c>v1,</c> and the base64 of HMAC-SHA-256 over id, time of the attempt in Unix seconds, and the body's very bytes.</summary>
    public static string Sign(ReadOnlySpan<byte> secret, string id, long timestamp, ReadOnlySpan<byte> body)
    {
        using var hmac = IncrementalHash.CreateHMAC(HashAlgorithmName.SHA256, secret);
        hmac.AppendData(Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{id}.{timestamp}.")));
        hmac.AppendData(body);
        return "v1," + Convert.ToBase64String(hmac.GetHashAndReset());
    }
}

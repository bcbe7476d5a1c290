using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace AspireJobs.Tests.Infrastructure;

/// <summary>The receiver's half of Standard Webhooks 1.0.0, written apart from the sender's.</summary>
static class StandardWebhooks
{
    public static bool Verifies(string secret, ReceivedCallback callback)
    {
        var id = callback.Headers["webhook-id"];
        var timestamp = callback.Headers["webhook-timestamp"];
        var age = TimeProvider.System.GetUtcNow() - DateTimeOffset.FromUnixTimeSeconds(long.Parse(timestamp, CultureInfo.InvariantCulture));
        var expected = HMACSHA256.HashData(Convert.FromBase64String(secret["whsec_".Length..]), Encoding.UTF8.GetBytes($"{id}.{timestamp}.{callback.Body}"));
        return age.Duration() < TimeSpan.FromMinutes(5) && callback.Headers["webhook-signature"].Split(' ').Contains($"v1,{Convert.ToBase64String(expected)}");
    }
}

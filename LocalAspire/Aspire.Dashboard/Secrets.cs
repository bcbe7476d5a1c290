using System.Security.Cryptography;
using System.Text;
using Microsoft.Extensions.Primitives;

namespace Aspire.Dashboard;

static class Secrets
{
    /// <summary>Whether what was given is one of the expected; how long that takes to find out tells nothing.</summary>
    public static bool Matches(StringValues given, params ReadOnlySpan<string?> expected)
    {
        if (given is not [{ Length: > 0 } value])
            return false;

        var found = false;
        foreach (var secret in expected)
            found |= !string.IsNullOrEmpty(secret) && CryptographicOperations.FixedTimeEquals(Hash(value), Hash(secret));
        return found;
    }

    public static string Create() => Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(16));

    static byte[] Hash(string text) => SHA256.HashData(Encoding.UTF8.GetBytes(text));
}

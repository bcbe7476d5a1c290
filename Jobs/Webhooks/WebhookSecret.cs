using AspireJobs.Jobs.Credentials;

namespace AspireJobs.Jobs.Webhooks;

/// <summary>
/// The secret that signs the callbacks of one API key's jobs, in the form of Standard Webhooks (<c>whsec_</c> and base64). It is
/// derived from the master key and the API key's id, so there is nothing to store and nothing to leak from the database.
/// </summary>
public static class WebhookSecret
{
    /// <summary>The prefix of the text form.</summary>
    public const string Prefix = "whsec_";

    /// <summary>The 32 bytes that sign.</summary>
    public static byte[] Bytes(MasterKey masterKey, Guid apiKeyId) => masterKey.Derive($"webhooks/{apiKeyId:D}");

    /// <summary>The form that receivers configure.</summary>
    public static string Text(MasterKey masterKey, Guid apiKeyId) => Prefix + Convert.ToBase64String(Bytes(masterKey, apiKeyId));
}

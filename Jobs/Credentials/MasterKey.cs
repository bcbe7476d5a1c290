using System.Security.Cryptography;
using System.Text;
using Microsoft.Extensions.Options;

namespace AspireJobs.Jobs.Credentials;

/// <summary>Settings of the key under which secrets are sealed.</summary>
public sealed class MasterKeyOptions
{
    /// <summary>The configuration section.</summary>
    public const string Section = "Credentials";

    /// <summary>Shortest key accepted, in characters.</summary>
    public const int ShortestKey = 32;

    /// <summary>Random text; every key in use is derived from it. Losing it loses all stored credentials.</summary>
    public string MasterKey { get; set; } = "";
}

/// <summary>Derives one key per purpose from the master key (HKDF-SHA-256, RFC 5869), so that no key serves two ends.</summary>
public sealed class MasterKey(IOptions<MasterKeyOptions> options)
{
    readonly byte[] _material = Encoding.UTF8.GetBytes(options.Value.MasterKey);

    /// <summary>32 bytes that belong to a purpose.</summary>
    public byte[] Derive(string purpose) =>
        HKDF.DeriveKey(HashAlgorithmName.SHA256, _material, 32, salt: null, Encoding.UTF8.GetBytes("aspirejobs/" + purpose));
}

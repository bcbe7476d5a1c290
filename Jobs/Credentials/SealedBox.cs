using System.Security.Cryptography;
using System.Text;

namespace AspireJobs.Jobs.Credentials;

/// <summary>
/// AES-256-GCM with a fresh nonce for each value: <c>version (1) | nonce (12) | tag (16) | ciphertext</c>. The name that a value
/// is stored under is authenticated with it, so that a row copied to another name does not open.
/// </summary>
static class SealedBox
{
    const byte Version = 1;
    const int NonceSize = 12;
    const int TagSize = 16;
    const int HeaderSize = 1 + NonceSize + TagSize;

    public static byte[] Seal(byte[] key, string name, ReadOnlySpan<byte> plain)
    {
        var box = new byte[HeaderSize + plain.Length];
        box[0] = Version;
        var nonce = box.AsSpan(1, NonceSize);
        RandomNumberGenerator.Fill(nonce);
        using var aes = new AesGcm(key, TagSize);
        aes.Encrypt(nonce, plain, box.AsSpan(HeaderSize), box.AsSpan(1 + NonceSize, TagSize), Encoding.UTF8.GetBytes(name));
        return box;
    }

    /// <exception cref="CryptographicException">The value was sealed under another key or name, or was changed.</exception>
    public static byte[] Open(byte[] key, string name, ReadOnlySpan<byte> box)
    {
        if (box.Length < HeaderSize || box[0] != Version)
            throw new CryptographicException("not a sealed value of a known version");
        var plain = new byte[box.Length - HeaderSize];
        using var aes = new AesGcm(key, TagSize);
        aes.Decrypt(box.Slice(1, NonceSize), box[HeaderSize..], box.Slice(1 + NonceSize, TagSize), plain, Encoding.UTF8.GetBytes(name));
        return plain;
    }
}

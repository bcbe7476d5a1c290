using System.Security.Cryptography;
using System.Text;

namespace AspireJobs.Worker;

/// <summary>SHA-256 of what a run was given, as <c>sha256:</c> and hexadecimal digits.</summary>
internal static class ContentDigest
{
    const int ReadSize = 64 * 1024;

    /// <summary>Of a text, in UTF-8.</summary>
    public static string OfText(string text) => Shown(SHA256.HashData(Encoding.UTF8.GetBytes(text)));

    /// <summary>Of a file: its contents. Of a directory: path, mode and contents of all that is in it, in the order of their paths.</summary>
    public static string OfPath(string path, CancellationToken cancellationToken = default)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        if (Directory.Exists(path))
            AddAll(new DirectoryInfo(path), "", hash, cancellationToken);
        else
            AddContents(new FileInfo(path), hash, cancellationToken);
        return Shown(hash.GetHashAndReset());
    }

    static void AddAll(DirectoryInfo directory, string prefix, IncrementalHash hash, CancellationToken cancellationToken)
    {
        foreach (var entry in directory.EnumerateFileSystemInfos().OrderBy(entry => entry.Name, StringComparer.Ordinal))
        {
            cancellationToken.ThrowIfCancellationRequested();
            var path = prefix + entry.Name;
            var mode = Convert.ToString((int)entry.UnixFileMode, 8);
            // No path or target has a NUL in it, so no two trees look alike.
            if (entry.LinkTarget is { } target)
                Add($"link {path}\0{target}\0");
            else if (entry is FileInfo file)
            {
                Add($"file {mode} {file.Length} {path}\0");
                AddContents(file, hash, cancellationToken);
            }
            else
            {
                Add($"directory {mode} {path}\0");
                AddAll((DirectoryInfo)entry, path + '/', hash, cancellationToken);
            }
        }

        void Add(string header) => hash.AppendData(Encoding.UTF8.GetBytes(header));
    }

    static void AddContents(FileInfo file, IncrementalHash hash, CancellationToken cancellationToken)
    {
        // Also what is no regular file has no length, and opening it might never end.
        if (file.Length == 0)
            return;
        using var stream = file.OpenRead();
        var bytes = new byte[ReadSize];
        while (stream.Read(bytes) is > 0 and var count)
        {
            cancellationToken.ThrowIfCancellationRequested();
            hash.AppendData(bytes, 0, count);
        }
    }

    static string Shown(byte[] hash) => $"sha256:{Convert.ToHexStringLower(hash)}";
}

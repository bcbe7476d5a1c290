using System.Buffers;
using System.IO.Compression;

namespace Aspire.Dashboard.Otlp;

/// <summary>The bytes of a message, in a buffer that is given back.</summary>
sealed class OtlpBody : IDisposable
{
    const int FirstRead = 32 * 1024;

    byte[] _buffer = ArrayPool<byte>.Shared.Rent(FirstRead);
    int _length;

    public ReadOnlyMemory<byte> Bytes => _buffer.AsMemory(0, _length);

    /// <summary>Reads to the end; <paramref name="limit"/> holds for what comes out of the decompression.</summary>
    /// <exception cref="OtlpTooLargeException"/>
    /// <exception cref="OtlpFormatException">It is not compressed as it says.</exception>
    public static async Task<OtlpBody> ReadAsync(Stream source, string? encoding, int limit, CancellationToken cancellationToken)
    {
        var body = new OtlpBody();
        try
        {
            await using var plain = Decompress(source, encoding);
            await body.FillAsync(plain, limit, cancellationToken);
            return body;
        }
        catch (InvalidDataException e)
        {
            body.Dispose();
            throw new OtlpFormatException($"The body is not {encoding}: {e.Message}", e);
        }
        catch
        {
            body.Dispose();
            throw;
        }
    }

    public static bool Supports(string? encoding) => encoding is null or "" or "identity" or "gzip" or "deflate";

    public void Dispose()
    {
        ArrayPool<byte>.Shared.Return(_buffer);
        _buffer = [];
    }

    static Stream Decompress(Stream source, string? encoding) => encoding switch
    {
        "gzip" => new GZipStream(source, CompressionMode.Decompress, leaveOpen: true),
        "deflate" => new ZLibStream(source, CompressionMode.Decompress, leaveOpen: true),
        _ => source,
    };

    async Task FillAsync(Stream source, int limit, CancellationToken cancellationToken)
    {
        while (true)
        {
            if (_length == _buffer.Length)
                Grow();
            var read = await source.ReadAsync(_buffer.AsMemory(_length), cancellationToken);
            if (read == 0)
                return;
            _length += read;
            if (_length > limit)
                throw new OtlpTooLargeException($"The message has more than {limit} bytes after decompression (Dashboard:Otlp:MaxRequestBytes).");
        }
    }

    void Grow()
    {
        var larger = ArrayPool<byte>.Shared.Rent(_buffer.Length * 2);
        _buffer.AsSpan(0, _length).CopyTo(larger);
        ArrayPool<byte>.Shared.Return(_buffer);
        _buffer = larger;
    }
}

sealed class OtlpTooLargeException(string message) : Exception(message);

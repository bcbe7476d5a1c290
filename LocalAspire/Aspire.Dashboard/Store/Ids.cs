using System.Buffers.Binary;
using System.Globalization;
using Google.Protobuf;

namespace Aspire.Dashboard.Store;

/// <summary>Ids of traces and spans as numbers, which take a quarter of the memory.</summary>
static class Ids
{
    public static bool TryTrace(ByteString bytes, out UInt128 id)
    {
        id = bytes.Length == 16 ? BinaryPrimitives.ReadUInt128BigEndian(bytes.Span) : 0;
        return id != 0;
    }

    public static bool TrySpan(ByteString bytes, out ulong id)
    {
        id = bytes.Length == 8 ? BinaryPrimitives.ReadUInt64BigEndian(bytes.Span) : 0;
        return id != 0;
    }

    public static bool TryTrace(string? text, out UInt128 id) => UInt128.TryParse(text, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out id) && text!.Length == 32;

    public static bool TrySpan(string? text, out ulong id) => ulong.TryParse(text, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out id) && text!.Length == 16;

    public static string Text(UInt128 trace) => trace.ToString("x32", CultureInfo.InvariantCulture);

    public static string Text(ulong span) => span.ToString("x16", CultureInfo.InvariantCulture);
}

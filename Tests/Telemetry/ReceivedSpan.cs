using System.Buffers.Binary;
using System.Globalization;
using System.Text;

namespace AspireJobs.Tests.Telemetry;

/// <summary>A span as it came over the wire; numbers of fields are those of opentelemetry-proto's trace.proto.</summary>
sealed record ReceivedSpan(
    string Service, string TraceId, string SpanId, string ParentId, string Name, SpanKind Kind, ulong Start, ulong End,
    IReadOnlyDictionary<string, string> Tags, IReadOnlyList<(string TraceId, string SpanId)> Links, bool IsError)
{
    public static IEnumerable<ReceivedSpan> Read(byte[] request) =>
        from resourceSpans in Proto.Read(request).Messages(1)
        let service = ReadTags(resourceSpans.Messages(1).Single().Messages(1))["service.name"]
        from scope in resourceSpans.Messages(2)
        from span in scope.Messages(2)
        select new ReceivedSpan(
            service, span.Hex(1), span.Hex(2), span.Hex(4), span.Text(5), (SpanKind)span.Number(6), span.Number(7), span.Number(8),
            ReadTags(span.Messages(9)), [.. span.Messages(13).Select(link => (link.Hex(1), link.Hex(2)))],
            span.Messages(15).Any(status => status.Number(3) == 2));

    static Dictionary<string, string> ReadTags(IEnumerable<Proto> attributes) =>
        attributes.ToDictionary(attribute => attribute.Text(1), attribute => Value(attribute.Messages(2).Single()));

    static string Value(Proto value) => value switch
    {
        _ when value.Has(1) => value.Text(1),
        _ when value.Has(2) => value.Number(2) == 1 ? "true" : "false",
        _ => value.Number(3).ToString(CultureInfo.InvariantCulture),
    };
}

enum SpanKind
{
    Unspecified,
    Internal,
    Server,
    Client,
    Producer,
    Consumer,
}

/// <summary>A protobuf message, read without its schema.</summary>
sealed class Proto
{
    readonly List<(int Field, ulong Number, byte[] Bytes)> _fields = [];

    public static Proto Read(ReadOnlySpan<byte> data)
    {
        var message = new Proto();
        while (!data.IsEmpty)
        {
            var key = Varint(ref data);
            var (number, bytes) = (0UL, Array.Empty<byte>());
            switch (key & 7)
            {
                case 0:
                    number = Varint(ref data);
                    break;
                case 1:
                    number = BinaryPrimitives.ReadUInt64LittleEndian(data);
                    data = data[8..];
                    break;
                case 2:
                    var length = (int)Varint(ref data);
                    bytes = data[..length].ToArray();
                    data = data[length..];
                    break;
                default:
                    number = BinaryPrimitives.ReadUInt32LittleEndian(data);
                    data = data[4..];
                    break;
            }
            message._fields.Add(((int)(key >> 3), number, bytes));
        }
        return message;
    }

    public bool Has(int field) => _fields.Exists(f => f.Field == field);

    public ulong Number(int field) => _fields.Find(f => f.Field == field).Number;

    public string Text(int field) => Encoding.UTF8.GetString(Bytes(field));

    public string Hex(int field) => Convert.ToHexStringLower(Bytes(field));

    public IEnumerable<Proto> Messages(int field) => _fields.Where(f => f.Field == field).Select(f => Read(f.Bytes));

    byte[] Bytes(int field) => _fields.Find(f => f.Field == field).Bytes ?? [];

    static ulong Varint(ref ReadOnlySpan<byte> data)
    {
        var (value, shift) = (0UL, 0);
        byte current;
        do
        {
            current = data[0];
            data = data[1..];
            value |= (ulong)(current & 0x7f) << shift;
            shift += 7;
        }
        while (current >= 0x80);
        return value;
    }
}

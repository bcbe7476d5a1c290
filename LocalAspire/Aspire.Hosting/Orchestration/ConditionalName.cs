using System.Buffers.Binary;
using System.Numerics;
using System.Text;
using Aspire.Hosting.ApplicationModel;

namespace LocalAspire;

/// <summary>Names a conditional expression by its condition and by a hash of all its parts, so that equal ones share a name.</summary>
static class ConditionalName
{
    public static string Of(IValueProvider condition, string matchValue, ReferenceExpression whenTrue, ReferenceExpression whenFalse)
    {
        var expression = (condition as IManifestExpressionProvider)?.ValueExpression;
        var words = Words(expression ?? "");
        var hashed = $"{expression ?? condition.GetType().Name}{whenTrue.ValueExpression}{whenFalse.ValueExpression}{matchValue}";
        return $"cond-{(words.Length > 0 ? words : "expr")}-{XxHash32(Encoding.UTF8.GetBytes(hashed)):x8}";
    }

    static string Words(string expression) => string.Join('-', new string([.. expression.Select(c => char.IsLetterOrDigit(c) ? char.ToLowerInvariant(c) : ' ')])
        .Split(' ', StringSplitOptions.RemoveEmptyEntries));

    /// <summary>XXH32 with the seed 0, as https://github.com/Cyan4973/xxHash/blob/dev/doc/xxhash_spec.md specifies it.</summary>
    static uint XxHash32(ReadOnlySpan<byte> data)
    {
        const uint Prime1 = 2654435761, Prime2 = 2246822519, Prime3 = 3266489917, Prime4 = 668265263, Prime5 = 374761393;
        var rest = data;
        var hash = Prime5;
        if (data.Length >= 16)
        {
            Span<uint> lanes = [unchecked(Prime1 + Prime2), Prime2, 0, unchecked(0 - Prime1)];
            for (; rest.Length >= 16; rest = rest[16..])
            {
                for (var i = 0; i < lanes.Length; i++)
                    lanes[i] = BitOperations.RotateLeft(lanes[i] + BinaryPrimitives.ReadUInt32LittleEndian(rest[(i * 4)..]) * Prime2, 13) * Prime1;
            }
            hash = BitOperations.RotateLeft(lanes[0], 1) + BitOperations.RotateLeft(lanes[1], 7)
                + BitOperations.RotateLeft(lanes[2], 12) + BitOperations.RotateLeft(lanes[3], 18);
        }

        hash += (uint)data.Length;
        for (; rest.Length >= 4; rest = rest[4..])
            hash = BitOperations.RotateLeft(hash + BinaryPrimitives.ReadUInt32LittleEndian(rest) * Prime3, 17) * Prime4;
        foreach (var b in rest)
            hash = BitOperations.RotateLeft(hash + b * Prime5, 11) * Prime1;

        hash = (hash ^ (hash >> 15)) * Prime2;
        hash = (hash ^ (hash >> 13)) * Prime3;
        return hash ^ (hash >> 16);
    }
}

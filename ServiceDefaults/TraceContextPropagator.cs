using System.Buffers;
using System.Diagnostics;

namespace AspireJobs.ServiceDefaults;

/// <summary>
/// W3C Trace Context, level 2, to the letter where .NET's own propagator is not: versions to come, list members over several headers,
/// white space, keys. Baggage is neither read nor sent: it comes from strangers, and nothing here uses it.
/// </summary>
sealed class TraceContextPropagator : DistributedContextPropagator
{
    const string TraceParent = "traceparent";
    const string TraceState = "tracestate";
    const int TraceParentLength = 55;
    const int MaxMembers = 32;
    const int MaxPartLength = 256;

    static readonly SearchValues<char> KeyCharacters = SearchValues.Create("abcdefghijklmnopqrstuvwxyz0123456789_-*/@");
    static readonly SearchValues<char> HexCharacters = SearchValues.Create("0123456789abcdef");

    public override IReadOnlyCollection<string> Fields => [TraceParent, TraceState];

    public override void Inject(Activity? activity, object? carrier, PropagatorSetterCallback? setter)
    {
        if (setter is null || activity is not { IdFormat: ActivityIdFormat.W3C, Id: { } id })
            return;
        setter(carrier, TraceParent, id);
        if (activity.TraceStateString is { Length: > 0 } state)
            setter(carrier, TraceState, state);
    }

    public override void ExtractTraceIdAndState(object? carrier, PropagatorGetterCallback? getter, out string? traceId, out string? traceState)
    {
        // Members of a list may come in several headers; a second traceparent makes the first one invalid, and so does the comma.
        traceId = ParseParent(Header(carrier, getter, TraceParent));
        traceState = traceId is null ? null : ParseState(Header(carrier, getter, TraceState));
    }

    public override IEnumerable<KeyValuePair<string, string?>>? ExtractBaggage(object? carrier, PropagatorGetterCallback? getter) => null;

    static string? Header(object? carrier, PropagatorGetterCallback? getter, string name)
    {
        string? value = null;
        IEnumerable<string>? values = null;
        getter?.Invoke(carrier, name, out value, out values);
        return values is null ? value : string.Join(',', values);
    }

    /// <summary>The header as version 00, or null if it is none. Of a version to come only what version 00 knows is read.</summary>
    static string? ParseParent(string? header)
    {
        var text = header.AsSpan().Trim(" \t");
        if (text.Length < TraceParentLength || text[2] != '-' || text[35] != '-' || text[52] != '-')
            return null;
        var version = text[..2];
        var trace = text[3..35];
        var parent = text[36..52];
        var flags = text[53..55];
        if (!IsHex(version) || !IsHex(trace) || !IsHex(parent) || !IsHex(flags) || version is "ff" || !trace.ContainsAnyExcept('0') || !parent.ContainsAnyExcept('0'))
            return null;
        if (text.Length > TraceParentLength && (version is "00" || text[TraceParentLength] != '-'))
            return null;
        return $"00-{trace}-{parent}-{flags}";
    }

    /// <summary>The list, members as they came; null if a single one is wrong: half a state may say something else than the whole.</summary>
    static string? ParseState(string? header)
    {
        var members = new List<string>();
        foreach (var part in (header ?? "").Split(','))
        {
            var member = part.Trim(' ', '\t');
            if (member.Length == 0)
                continue;
            var equals = member.IndexOf('=', StringComparison.Ordinal);
            if (equals < 0 || !IsKey(member.AsSpan(0, equals)) || !IsValue(member.AsSpan(equals + 1)) || members.Count == MaxMembers)
                return null;
            members.Add(member);
        }
        return members.Count == 0 ? null : string.Join(',', members);
    }

    static bool IsKey(ReadOnlySpan<char> key) =>
        key.Length is > 0 and <= MaxPartLength && (char.IsAsciiLetterLower(key[0]) || char.IsAsciiDigit(key[0]))
        && !key.ContainsAnyExcept(KeyCharacters);

    // Printable ASCII but comma and equals sign. The space at the end has been trimmed away.
    static bool IsValue(ReadOnlySpan<char> value) =>
        value.Length is > 0 and <= MaxPartLength && !value.ContainsAnyExceptInRange(' ', '~') && !value.ContainsAny(',', '=');

    static bool IsHex(ReadOnlySpan<char> text) => !text.ContainsAnyExcept(HexCharacters);
}

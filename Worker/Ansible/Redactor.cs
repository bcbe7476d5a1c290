using System.Buffers;
using System.Text;

namespace AspireJobs.Worker.Ansible;

/// <summary>
/// Replaces the secrets of a job by <see cref="Mask"/>, in plain form, line by line, base64, URL-encoded, JSON-escaped, and as shells and Python
/// quote them. Values of fewer than four characters are left alone. Safe to use from several threads.
/// </summary>
internal sealed class Redactor
{
    /// <summary>What stands in place of a secret.</summary>
    public const string Mask = "***";

    // Secrets that overlap for longer than this many times the longest one, such as "aaaa" in a line of a, are not waited for.
    const int MostOverlap = 4;

    readonly string[] _forms;
    readonly SearchValues<string> _search;
    readonly SearchValues<char> _firstLetters;
    readonly int _longest;

    /// <param name="secrets">The values that must not show up.</param>
    public Redactor(IEnumerable<string> secrets)
    {
        _forms = SecretForms.Of(secrets);
        _search = SearchValues.Create(_forms, StringComparison.Ordinal);
        _firstLetters = SearchValues.Create([.. _forms.Select(form => form[0]).Distinct()]);
        _longest = _forms is [var longest, ..] ? longest.Length : 0;
    }

    /// <summary>The text without secrets.</summary>
    public string Redact(string text)
    {
        if (text.AsSpan().IndexOfAny(_search) < 0)
            return text;
        var safe = new StringBuilder(text.Length);
        Redact(text, final: true, safe);
        return safe.ToString();
    }

    /// <summary>The text without secrets, also without the beginning of one at its end, where the text was cut.</summary>
    public string RedactCut(string text)
    {
        var safe = new StringBuilder(text.Length);
        return Redact(text, final: false, safe) == text.Length ? safe.ToString() : safe.Append(Mask).ToString();
    }

    /// <summary>
    /// Appends the text without secrets to <paramref name="safe"/> and returns how many characters it has dealt with. Unless the text
    /// is <paramref name="final"/>, it leaves a rest that could be the beginning of a secret, to be given again with what follows.
    /// </summary>
    public int Redact(ReadOnlySpan<char> text, bool final, StringBuilder safe)
    {
        var done = 0;
        var held = final ? text.Length : FirstUndecided(text, 0);
        while (text[done..].IndexOfAny(_search) is >= 0 and var distance && done + distance < held)
        {
            var match = done + distance;
            var end = End(text, match);
            if (end > held && end - match < MostOverlap * _longest)
            {
                // Another secret may begin within this one and end behind it.
                safe.Append(text[done..match]);
                return match;
            }
            safe.Append(text[done..match]).Append(Mask);
            done = end;
            if (done > held)
                held = FirstUndecided(text, done);
        }
        safe.Append(text[done..held]);
        return held;
    }

    // The end of the secret here, and of those that begin within it.
    int End(ReadOnlySpan<char> text, int match)
    {
        var end = match + LongestAt(text[match..]);
        for (var at = match + 1; at < end; at++)
        {
            var overlapping = text[at..Math.Min(text.Length, end + _longest)].IndexOfAny(_search);
            if (overlapping < 0 || at + overlapping >= end)
                break;
            at += overlapping;
            end = Math.Max(end, at + LongestAt(text[at..]));
        }
        return end;
    }

    int LongestAt(ReadOnlySpan<char> text)
    {
        foreach (var form in _forms)
            if (text.StartsWith(form, StringComparison.Ordinal))
                return form.Length;
        throw new InvalidOperationException("a match that none of the forms explains");
    }

    // Where the text may end in the middle of a secret.
    int FirstUndecided(ReadOnlySpan<char> text, int from)
    {
        var at = Math.Max(from, text.Length - _longest + 1);
        while (at < text.Length && text[at..].IndexOfAny(_firstLetters) is >= 0 and var distance)
        {
            at += distance;
            foreach (var form in _forms)
                if (form.Length > text.Length - at && form.AsSpan().StartsWith(text[at..], StringComparison.Ordinal))
                    return at;
            at++;
        }
        return text.Length;
    }
}

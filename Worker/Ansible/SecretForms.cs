using System.Buffers;
using System.Text;
using System.Text.Json;

namespace AspireJobs.Worker.Ansible;

/// <summary>The shapes in which a secret shows up in the output of programs.</summary>
internal static class SecretForms
{
    /// <summary>Values shorter than this, in characters, are not looked for: the log would be all mask, and they keep no secret.</summary>
    public const int ShortestValue = 4;

    /// <summary>Shortest line of a value of several lines, and shortest piece of base64, that is looked for by itself.</summary>
    public const int ShortestPart = 8;

    static readonly SearchValues<char> LineEnds = SearchValues.Create("\r\n");

    // JSON in JSON: Ansible prints results as JSON, a result can be JSON itself, and so can a text in that.
    const int JsonLevels = 3;

    /// <summary>All forms of the secrets, longest first; each also as it is after its control characters have been made harmless.</summary>
    public static string[] Of(IEnumerable<string> secrets) =>
        [.. secrets.SelectMany(Of).SelectMany(form => new[] { form, LogText.MakeHarmless(form) }).Distinct().OrderByDescending(form => form.Length)];

    static IEnumerable<string> Of(string secret)
    {
        var value = secret.Trim();
        if (value.Length < ShortestValue)
            return [];
        IEnumerable<string> texts = [secret, value, .. Lines(value)];
        return [.. texts.SelectMany(Escaped), .. texts.SelectMany(Base64)];
    }

    static IEnumerable<string> Lines(string value) => value.AsSpan().ContainsAny(LineEnds)
        ? value.Split('\n').Select(line => line.Trim()).Where(line => line.Length >= ShortestPart)
        : [];

    static IEnumerable<string> Escaped(string text)
    {
        var url = Uri.EscapeDataString(text);
        return
        [
            url, url.Replace("%20", "+", StringComparison.Ordinal), url.Replace("%2F", "/", StringComparison.Ordinal), JsonEncodedText.Encode(text).Value,
            .. InJson([text, text.ReplaceLineEndings("\r\n")], JsonLevels),
            // In single quotes, as bash shows what it runs and as Ansible's filter "quote" writes it, which is quoted again where a shell gets it as a text.
            .. InJson([text.Replace("'", @"'\''", StringComparison.Ordinal), Quoted(text), Quoted(Quoted(text)), Repr(text)], 1),
        ];
    }

    // The forms, and what becomes of them in JSON that is a text in JSON, so many levels deep.
    static IEnumerable<string> InJson(IEnumerable<string> forms, int levels) => levels == 0
        ? forms
        : forms.Concat(InJson([.. forms.SelectMany(form => new[] { Json(form), Ascii(Json(form)) }).Distinct()], levels - 1));

    static string Quoted(string text) => text.Replace("'", """'"'"'""", StringComparison.Ordinal);

    // As Python shows a text in a list or an object.
    static string Repr(string text)
    {
        var escaped = Escape(text, letter => letter switch
        {
            '\\' or '\n' or '\r' or '\t' => Short(letter),
            _ => char.IsControl(letter) ? $"\\x{(int)letter:x2}" : null,
        });
        return text.Contains('"', StringComparison.Ordinal) ? escaped.Replace("'", @"\'", StringComparison.Ordinal) : escaped;
    }

    // What JSON must escape and no more, as Python writes it; .NET's own encoders all escape more.
    static string Json(string text) => Escape(text, letter => letter switch
    {
        '"' => "\\\"",
        '\\' or '\n' or '\r' or '\t' or '\b' or '\f' => Short(letter),
        < ' ' => $"\\u{(int)letter:x4}",
        _ => null,
    });

    // As Python writes it by default: everything beyond ASCII escaped, hexadecimal digits in lower case.
    static string Ascii(string json) => Escape(json, letter => char.IsAscii(letter) ? null : $"\\u{(int)letter:x4}");

    static string Short(char letter) => letter switch
    {
        '\n' => @"\n",
        '\r' => @"\r",
        '\t' => @"\t",
        '\b' => @"\b",
        '\f' => @"\f",
        _ => $"\\{letter}",
    };

    // Most secrets have nothing to escape, and stay the same text.
    static string Escape(string text, Func<char, string?> escape)
    {
        StringBuilder? escaped = null;
        for (var i = 0; i < text.Length; i++)
        {
            if (escape(text[i]) is { } written)
                (escaped ??= new StringBuilder(text, 0, i, 2 * text.Length)).Append(written);
            else
                escaped?.Append(text[i]);
        }
        return escaped?.ToString() ?? text;
    }

    static IEnumerable<string> Base64(string text)
    {
        var bytes = Encoding.UTF8.GetBytes(text);
        var whole = Convert.ToBase64String(bytes);
        var forms = Enumerable.Range(0, 3).Select(offset => Inner(bytes, offset)).Append(whole)
            .Concat(Wrapped(whole, 64)).Concat(Wrapped(whole, 76));
        return forms.Where(form => form.Length >= ShortestPart)
            .SelectMany(form => new[] { form, form.Replace('+', '-').Replace('/', '_') });
    }

    // The characters that are the same whatever stands before and after, when the secret begins at this offset of a group of three bytes.
    static string Inner(byte[] bytes, int offset)
    {
        var text = Convert.ToBase64String([.. new byte[offset], .. bytes]);
        var first = (offset * 8 + 5) / 6;
        return text[first..Math.Max(first, (offset + bytes.Length) * 8 / 6)];
    }

    static IEnumerable<string> Wrapped(string base64, int width) => base64.Length > width ? base64.Chunk(width).Select(line => new string(line)) : [];
}

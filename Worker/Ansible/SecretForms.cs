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

    /// <summary>All forms of the secrets, longest first.</summary>
    public static string[] Of(IEnumerable<string> secrets) =>
        [.. secrets.SelectMany(Of).Distinct().OrderByDescending(form => form.Length)];

    static IEnumerable<string> Of(string secret)
    {
        var value = secret.Trim();
        if (value.Length < ShortestValue)
            return [];
        var texts = Lines(value).Prepend(value).Prepend(secret);
        return [.. texts.SelectMany(Escaped), .. Base64(secret), .. Base64(value)];
    }

    static IEnumerable<string> Lines(string value) => value.AsSpan().ContainsAny(LineEnds)
        ? value.Split('\n').Select(line => line.Trim()).Where(line => line.Length >= ShortestPart)
        : [];

    static IEnumerable<string> Escaped(string text)
    {
        var url = Uri.EscapeDataString(text);
        return
        [
            text, text.ReplaceLineEndings("\r\n"),
            url, url.Replace("%20", "+", StringComparison.Ordinal), url.Replace("%2F", "/", StringComparison.Ordinal),
            // Ansible prints results as JSON, and a result can be JSON itself.
            Json(text), Ascii(Json(text)), Json(Json(text)), Json(Ascii(Json(text))), JsonEncodedText.Encode(text).Value,
            text.Replace("'", @"'\''", StringComparison.Ordinal), text.Replace("'", """'"'"'""", StringComparison.Ordinal),
        ];
    }

    // What JSON must escape and no more; .NET's own encoders all escape more.
    static string Json(string text) => text
        .Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal)
        .Replace("\n", "\\n", StringComparison.Ordinal).Replace("\r", "\\r", StringComparison.Ordinal).Replace("\t", "\\t", StringComparison.Ordinal);

    // As Python writes it by default: everything beyond ASCII escaped, hexadecimal digits in lower case.
    static string Ascii(string json) =>
        string.Concat(json.Select(letter => char.IsAscii(letter) ? letter.ToString() : $"\\u{(int)letter:x4}"));

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

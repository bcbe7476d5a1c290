using System.Buffers;
using System.Text;

namespace AspireJobs.Worker.Ansible;

/// <summary>Turns the bytes of a log, piece by piece, into text that is safe to store and to show.</summary>
internal sealed class LogText(Redactor redactor)
{
    static readonly SearchValues<char> Controls = SearchValues.Create(
        [.. Enumerable.Range(0, 0xA0).Select(code => (char)code).Where(letter => char.IsControl(letter) && letter is not ('\n' or '\r' or '\t'))]);

    readonly Decoder _decoder = Encoding.UTF8.GetDecoder();
    readonly StringBuilder _safe = new();
    char[] _held = [];

    /// <summary>
    /// The text of the next bytes. A character, or what may be the beginning of a secret, that the bytes cut in two comes with the next
    /// piece; with <paramref name="last"/> everything comes.
    /// </summary>
    public string Read(ReadOnlySpan<byte> bytes, bool last)
    {
        var letters = new char[_held.Length + _decoder.GetCharCount(bytes, last)];
        _held.CopyTo(letters, 0);
        _decoder.GetChars(bytes, letters.AsSpan(_held.Length), last);
        MakeHarmless(letters.AsSpan(_held.Length));
        _safe.Clear();
        var done = redactor.Redact(letters, last, _safe);
        _held = letters[done..];
        return _safe.ToString();
    }

    /// <summary>
    /// Replaces control characters by their pictures. An escape sequence then shows instead of doing something to the terminal or the
    /// page of whoever reads it, and Postgres, which has no U+0000, can store it.
    /// </summary>
    public static string MakeHarmless(string text) => text.AsSpan().ContainsAny(Controls)
        ? string.Create(text.Length, text, (letters, original) =>
        {
            original.CopyTo(letters);
            MakeHarmless(letters);
        })
        : text;

    static void MakeHarmless(Span<char> letters)
    {
        while (letters.IndexOfAny(Controls) is >= 0 and var at)
        {
            letters[at] = letters[at] switch
            {
                < ' ' => (char)('\u2400' + letters[at]),
                '\u007F' => '\u2421',
                _ => '\uFFFD',
            };
            letters = letters[(at + 1)..];
        }
    }
}

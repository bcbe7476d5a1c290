using System.Text;

namespace LocalAspire;

static class CommandLine
{
    /// <summary>Splits at blanks; double quotes keep blanks, and a backslash keeps a double quote.</summary>
    public static IReadOnlyList<string> Split(string? text)
    {
        var args = new List<string>();
        var arg = new StringBuilder();
        var (isQuoted, hasArg) = (false, false);
        for (var i = 0; i < text?.Length; i++)
        {
            var c = text[i];
            if (c == '\\' && i + 1 < text.Length && text[i + 1] == '"')
                arg.Append(text[++i]);
            else if (c == '"')
                isQuoted = !isQuoted;
            else if (!char.IsWhiteSpace(c) || isQuoted)
                arg.Append(c);
            else
            {
                Take();
                continue;
            }
            hasArg = true;
        }
        Take();
        return args;

        void Take()
        {
            if (hasArg)
                args.Add(arg.ToString());
            arg.Clear();
            hasArg = false;
        }
    }
}

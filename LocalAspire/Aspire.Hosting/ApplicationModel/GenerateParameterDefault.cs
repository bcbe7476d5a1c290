using System.Security.Cryptography;
using Aspire.Hosting.Publishing;

namespace Aspire.Hosting.ApplicationModel;

/// <summary>A random value of at least <see cref="MinLength"/> characters from the enabled classes.</summary>
public sealed class GenerateParameterDefault : ParameterDefault
{
    const string LowerLetters = "abcdefghjkmnpqrstuvwxyz";
    const string UpperLetters = "ABCDEFGHJKMNPQRSTUVWXYZ";
    const string Digits = "0123456789";
    // None that a connection string or a URI would have to escape.
    const string Specials = "-_.{}~()*+!";

    public int MinLength { get; set; }

    public bool Lower { get; set; } = true;

    public bool Upper { get; set; } = true;

    public bool Numeric { get; set; } = true;

    public bool Special { get; set; } = true;

    public int MinLower { get; set; }

    public int MinUpper { get; set; }

    public int MinNumeric { get; set; }

    public int MinSpecial { get; set; }

    /// <exception cref="InvalidOperationException">No class is enabled, or a minimum is set for a disabled one.</exception>
    public override string GetDefaultValue()
    {
        (bool Enabled, string Characters, int Minimum)[] classes =
        [
            (Lower, LowerLetters, MinLower), (Upper, UpperLetters, MinUpper),
            (Numeric, Digits, MinNumeric), (Special, Specials, MinSpecial),
        ];
        if (classes.Any(c => !c.Enabled && c.Minimum > 0))
            throw new InvalidOperationException("A generated value cannot require characters of a disabled class.");

        var alphabet = string.Concat(classes.Where(c => c.Enabled).Select(c => c.Characters));
        if (alphabet.Length == 0)
            throw new InvalidOperationException("A generated value needs at least one class of characters.");

        var required = classes.SelectMany(c => RandomNumberGenerator.GetItems<char>(c.Characters, c.Minimum)).ToArray();
        var value = (char[])[.. required, .. RandomNumberGenerator.GetItems<char>(alphabet, Math.Max(0, MinLength - required.Length))];
        RandomNumberGenerator.Shuffle<char>(value);
        return new(value);
    }

    public override void WriteToManifest(ManifestPublishingContext context)
    {
        ArgumentNullException.ThrowIfNull(context);
        context.Writer.WriteStartObject("generate");
        context.Writer.WriteNumber("minLength", MinLength);
        foreach (var (name, isEnabled) in new[] { ("lower", Lower), ("upper", Upper), ("numeric", Numeric), ("special", Special) })
        {
            if (!isEnabled)
                context.Writer.WriteBoolean(name, false);
        }
        foreach (var (name, minimum) in new[] { ("minLower", MinLower), ("minUpper", MinUpper), ("minNumeric", MinNumeric), ("minSpecial", MinSpecial) })
        {
            if (minimum > 0)
                context.Writer.WriteNumber(name, minimum);
        }
        context.Writer.WriteEndObject();
    }
}

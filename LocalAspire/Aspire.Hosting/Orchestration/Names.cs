using Aspire.Hosting.ApplicationModel;

namespace LocalAspire;

static class Names
{
    /// <exception cref="ArgumentException">The name breaks a rule; the message says which.</exception>
    public static void Validate(string kind, string name, NameValidationPolicyAnnotation policy)
    {
        var fault = name switch
        {
            { Length: 0 } => $"Name must be between 1 and {policy.MaxLength ?? int.MaxValue} characters long.",
            _ when name.Length > policy.MaxLength => $"Name must be between 1 and {policy.MaxLength} characters long.",
            _ when policy.ValidateAllowedCharacters && !name.All(c => char.IsAsciiLetterOrDigit(c) || c == '-') => "Name must contain only ASCII letters, digits, and hyphens.",
            _ when policy.ValidateStartsWithLetter && !char.IsAsciiLetter(name[0]) => "Name must start with an ASCII letter.",
            _ when policy.ValidateNoTrailingHyphen && name.EndsWith('-') => "Name cannot end with a hyphen.",
            _ when policy.ValidateNoConsecutiveHyphens && name.Contains("--", StringComparison.Ordinal) => "Name cannot contain consecutive hyphens.",
            _ => null,
        };
        if (fault is not null)
            throw new ArgumentException($"{kind} name '{name}' is invalid. {fault}", nameof(name));
    }

    /// <summary>As part of the name of an environment variable.</summary>
    public static string Encode(string name)
    {
        var encoded = string.Concat(name.Select(c => char.IsAsciiLetterOrDigit(c) ? c : '_'));
        return encoded.Length > 0 && char.IsAsciiDigit(encoded[0]) ? $"_{encoded}" : encoded;
    }
}

using System.Text.RegularExpressions;
using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;

namespace LocalAspire.Dashboard;

/// <summary>Tells which values the dashboard shows only when it is asked to.</summary>
sealed partial class SecretValues(DistributedApplicationModel model, DashboardSettings settings)
{
    static readonly string[] Names = ["KEY", "TOKEN", "SECRET", "PASSWORD", "PASSWD", "CREDENTIAL", "CONNECTIONSTRINGS__"];

    /// <summary>By the name, because a secret parameter is part of the value, or because the value looks like a connection with a password.</summary>
    public bool IsSecret(string name, string? value) => value is { Length: > 0 }
        && (Names.Any(word => name.Contains(word, StringComparison.OrdinalIgnoreCase))
            || WithPassword().IsMatch(value)
            || Known().Any(secret => value.Contains(secret, StringComparison.Ordinal)));

    IEnumerable<string> Known() => model.Resources.OfType<ParameterResource>().Where(parameter => parameter.Secret).Select(Value)
        .Append(settings.OtlpApiKey).OfType<string>().Where(value => value.Length > 0);

    // scheme://user:password@host, or password=...
    [GeneratedRegex("://[^/@]*:[^/@]+@|(password|pwd)=", RegexOptions.IgnoreCase)]
    private static partial Regex WithPassword();

    public static string? Value(ParameterResource parameter)
    {
        try
        {
            return parameter.GetValueAsync(CancellationToken.None).AsTask() is { IsCompletedSuccessfully: true } value ? value.Result : null;
        }
        catch (MissingParameterValueException)
        {
            return null;
        }
    }
}

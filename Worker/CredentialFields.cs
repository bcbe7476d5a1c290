using AspireJobs.Jobs;
using AspireJobs.Jobs.Credentials;

namespace AspireJobs.Worker;

/// <summary>The fields of a credential, in the form in which programs take them.</summary>
internal static class CredentialFields
{
    /// <summary>The value of a field that the credential must have.</summary>
    /// <exception cref="JobFailedException">It has none.</exception>
    public static string Required(this Credential credential, string field) => credential.Values.GetValueOrDefault(field) is { Length: > 0 } value
        ? value
        : throw new JobFailedException(JobOutcome.CredentialError, $"credential '{credential.Name}' has no {field}");

    /// <summary>The user name, if it has one.</summary>
    public static string? UserName(this Credential credential) => credential.Values.GetValueOrDefault("username") is { Length: > 0 } name ? name : null;

    /// <summary>The private key as ssh takes it: with Windows line ends, or without one at its end, it says only "error in libcrypto".</summary>
    public static string PrivateKey(this Credential credential) => credential.Required("private_key").ReplaceLineEndings("\n").TrimEnd('\n') + '\n';
}

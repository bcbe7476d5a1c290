namespace AspireJobs.Api.Http;

/// <summary>Sizes beyond which requests are refused.</summary>
static class Limits
{
    public const int BodyBytes = 1024 * 1024;

    /// <summary>Up to here a body that is too large is read to its end, so that the caller hears why and does not see a broken connection.</summary>
    public const int ReadBytes = 16 * BodyBytes;

    /// <summary>The serializer's own.</summary>
    public const int BodyDepth = 64;

    public const int TextBytes = 512 * 1024;
    public const int ExtraVarsBytes = 256 * 1024;
    public const int ExtraVarsDepth = 32;
    public const int SecretVars = 64;
    public const int Tags = 100;
    public const int Credentials = 16;
    public const int Hosts = 1000;
    public const int LimitHosts = 10_000;
    public const int Labels = 32;
    public const int PageSize = 100;
    public const int LargestPage = 1000;

    public const string MaxRunningRange = "must be 1 to 10,000";

    public const string MaxRunningRule = MaxRunningRange + ", or left out for no limit";

    public static bool IsMaxRunning(int? limit) => limit is null or >= 1 and <= 10_000;

    /// <summary>A job carries its whole request.</summary>
    public const int LargestJobPage = 200;
}

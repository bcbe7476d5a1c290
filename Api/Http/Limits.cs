namespace AspireJobs.Api.Http;

/// <summary>Sizes beyond which requests are refused.</summary>
static class Limits
{
    public const int BodyBytes = 1024 * 1024;
    public const int TextBytes = 512 * 1024;
    public const int ExtraVarsBytes = 256 * 1024;
    public const int ExtraVarsDepth = 32;
    public const int Tags = 100;
    public const int Credentials = 16;
    public const int Hosts = 1000;
    public const int Labels = 32;
    public const int PageSize = 100;
    public const int LargestPage = 1000;

    /// <summary>A job carries its whole request.</summary>
    public const int LargestJobPage = 200;
}

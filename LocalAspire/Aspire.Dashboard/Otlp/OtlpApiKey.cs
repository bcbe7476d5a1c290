namespace Aspire.Dashboard.Otlp;

static class OtlpApiKey
{
    const string Header = "x-otlp-api-key";

    public const string Reason = $"The header {Header} must carry the key of the dashboard.";

    public static bool IsValid(HttpRequest request, OtlpOptions options) =>
        options.AuthMode == OtlpAuthMode.Unsecured || Secrets.Matches(request.Headers[Header], options.PrimaryApiKey, options.SecondaryApiKey);
}

using System.Reflection;
using System.Security.Cryptography;
using Aspire.Hosting;
using Microsoft.Extensions.Configuration;

namespace LocalAspire.Dashboard;

/// <summary>Where the dashboard is and listens, and the keys that it and the resources share.</summary>
sealed record DashboardSettings(string Assembly, string ApplicationName, string Urls, string GrpcUrl, string HttpUrl, string? BrowserToken, string? OtlpApiKey)
{
    // The names that the variables and settings of Aspire have.
    public const string OtlpApiKeySetting = "AppHost:OtlpApiKey";
    const string GrpcUrlSetting = "ASPIRE_DASHBOARD_OTLP_ENDPOINT_URL";
    const string HttpUrlSetting = "ASPIRE_DASHBOARD_OTLP_HTTP_ENDPOINT_URL";

    /// <summary>Of this run only: what the dashboard asks the app host with.</summary>
    public string ResourceServiceKey { get; } = NewKey();

    public string LoginUrl => BrowserToken is null ? FirstUrl : $"{FirstUrl}/login?t={BrowserToken}";

    public string FirstUrl => Urls.Split(';')[0].TrimEnd('/');

    public IEnumerable<int> Ports => Urls.Split(';').Append(GrpcUrl).Append(HttpUrl).Select(url => new Uri(url).Port);

    /// <summary>Decides before anything is built on it, because resources are told the addresses by the configuration.</summary>
    /// <returns>Null when there is to be no dashboard, or the AppHost was built without one.</returns>
    public static DashboardSettings? Create(
        ConfigurationManager configuration, DistributedApplicationOptions options, DistributedApplicationExecutionContext context, Assembly? appHost, string applicationName)
    {
        if (context.IsPublishMode || options.DisableDashboard || AppHostMetadata.Dashboard(appHost) is not { } assembly || !File.Exists(assembly))
            return null;

        var isRandom = configuration.GetValue("DcpPublisher:RandomizePorts", false);
        var isAnonymous = configuration.GetValue("ASPIRE_DASHBOARD_UNSECURED_ALLOW_ANONYMOUS", false);
        var settings = new DashboardSettings(
            assembly,
            options.DashboardApplicationName ?? applicationName,
            isRandom ? RandomUrl() : configuration["ASPNETCORE_URLS"] is { Length: > 0 } urls ? urls : "http://localhost:18888",
            Url(GrpcUrlSetting, 18889),
            Url(HttpUrlSetting, 18890),
            isAnonymous ? null : configuration["ASPIRE_DASHBOARD_FRONTEND_BROWSERTOKEN"] ?? configuration["AppHost:BrowserToken"] ?? NewKey(),
            isAnonymous ? null : configuration[OtlpApiKeySetting] ?? NewKey());
        configuration.AddInMemoryCollection(new Dictionary<string, string?>
        {
            [GrpcUrlSetting] = settings.GrpcUrl,
            [HttpUrlSetting] = settings.HttpUrl,
            [OtlpApiKeySetting] = settings.OtlpApiKey,
        });
        return settings;

        string Url(string setting, int port) => configuration[setting] is { Length: > 0 } url ? url : isRandom ? RandomUrl() : $"http://localhost:{port}";
    }

    public Dictionary<string, string> Environment(Uri resourceService)
    {
        var environment = new Dictionary<string, string>
        {
            ["ASPNETCORE_URLS"] = Urls,
            ["ASPNETCORE_ENVIRONMENT"] = "Production",
            ["ASPIRE_DASHBOARD_OTLP_ENDPOINT_URL"] = GrpcUrl,
            ["ASPIRE_DASHBOARD_OTLP_HTTP_ENDPOINT_URL"] = HttpUrl,
            ["DASHBOARD__APPLICATIONNAME"] = ApplicationName,
            ["DASHBOARD__RESOURCESERVICECLIENT__URL"] = resourceService.ToString(),
            ["DASHBOARD__RESOURCESERVICECLIENT__APIKEY"] = ResourceServiceKey,
            ["DOTNET_ROOT"] = DotNet.Root,
            ["DOTNET_gcServer"] = "0",
        };
        if (BrowserToken is not null)
            environment["DASHBOARD__FRONTEND__BROWSERTOKEN"] = BrowserToken;
        if (OtlpApiKey is not null)
            environment["DASHBOARD__OTLP__PRIMARYAPIKEY"] = OtlpApiKey;
        return environment;
    }

    static string RandomUrl() => $"http://localhost:{LocalAspire.Ports.Pick()}";

    static string NewKey() => Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(16));
}

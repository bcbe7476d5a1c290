using Microsoft.AspNetCore.Cors.Infrastructure;

namespace Aspire.Dashboard;

/// <summary>The section <c>Dashboard</c> of the configuration: environment variables <c>DASHBOARD__FRONTEND__AUTHMODE</c> and so on.</summary>
sealed class DashboardOptions
{
    public const string Section = "Dashboard";

    static readonly Dictionary<string, string[]> SupportedModes = new()
    {
        ["Frontend:AuthMode"] = Enum.GetNames<FrontendAuthMode>(),
        ["Otlp:AuthMode"] = Enum.GetNames<OtlpAuthMode>(),
        ["Api:AuthMode"] = Enum.GetNames<ApiAuthMode>(),
        ["ResourceServiceClient:AuthMode"] = ["ApiKey"],
    };

    /// <summary>Shown in the pages' header.</summary>
    public string ApplicationName { get; set; } = "Aspire";

    public FrontendOptions Frontend { get; set; } = new();

    public OtlpOptions Otlp { get; set; } = new();

    public ApiOptions Api { get; set; } = new();

    public ResourceServiceClientOptions ResourceServiceClient { get; set; } = new();

    public TelemetryLimitOptions TelemetryLimits { get; set; } = new();

    /// <summary>Reads the section and the variables that have names of their own; those with DOTNET_ are the older ones.</summary>
    /// <exception cref="InvalidOperationException">Settings are wrong; the message names each.</exception>
    public static DashboardOptions Load(IConfiguration configuration)
    {
        Refuse(UnknownModes(configuration));
        var options = configuration.GetSection(Section).Get<DashboardOptions>() ?? new();
        options.Frontend.EndpointUrls = First(configuration, "ASPNETCORE_URLS", "URLS", $"{Section}:Frontend:EndpointUrls") ?? "http://localhost:18888";
        options.Otlp.GrpcEndpointUrl ??= First(configuration, "ASPIRE_DASHBOARD_OTLP_ENDPOINT_URL", "DOTNET_DASHBOARD_OTLP_ENDPOINT_URL") ?? "http://localhost:18889";
        options.Otlp.HttpEndpointUrl ??= First(configuration, "ASPIRE_DASHBOARD_OTLP_HTTP_ENDPOINT_URL", "DOTNET_DASHBOARD_OTLP_HTTP_ENDPOINT_URL") ?? "http://localhost:18890";
        if (First(configuration, "ASPIRE_DASHBOARD_UNSECURED_ALLOW_ANONYMOUS", "DOTNET_DASHBOARD_UNSECURED_ALLOW_ANONYMOUS") is { } anonymous && bool.Parse(anonymous))
            (options.Frontend.AuthMode, options.Otlp.AuthMode, options.Api.AuthMode) = (FrontendAuthMode.Unsecured, OtlpAuthMode.Unsecured, ApiAuthMode.Unsecured);
        options.Otlp.AuthMode ??= options.Otlp.PrimaryApiKey is null ? OtlpAuthMode.Unsecured : OtlpAuthMode.ApiKey;

        Refuse(options.Faults());
        return options;
    }

    static void Refuse(IEnumerable<string> faults)
    {
        if (string.Join(Environment.NewLine, faults) is { Length: > 0 } text)
            throw new InvalidOperationException(text);
    }

    /// <summary>Aspire's dashboard has more ways to log in. Whoever asks for one of them must not get another instead.</summary>
    static IEnumerable<string> UnknownModes(IConfiguration configuration) =>
        from setting in SupportedModes
        let mode = configuration[$"{Section}:{setting.Key}"]
        where !string.IsNullOrEmpty(mode) && !setting.Value.Contains(mode, StringComparer.OrdinalIgnoreCase)
        select $"{Section}:{setting.Key} is {mode}, which this dashboard does not support; it supports {string.Join(" and ", setting.Value)}.";

    static string? First(IConfiguration configuration, params string[] keys) => keys.Select(key => configuration[key]).FirstOrDefault(value => !string.IsNullOrEmpty(value));

    IEnumerable<string> Faults()
    {
        if (Otlp.AuthMode is OtlpAuthMode.ApiKey && string.IsNullOrEmpty(Otlp.PrimaryApiKey))
            yield return "Dashboard:Otlp:AuthMode is ApiKey, so Dashboard:Otlp:PrimaryApiKey must have a value.";
        if (ResourceServiceClient.Url is not null && string.IsNullOrEmpty(ResourceServiceClient.ApiKey))
            yield return "Dashboard:ResourceServiceClient:Url is set, so Dashboard:ResourceServiceClient:ApiKey must have a value.";
        if (Otlp.MaxRequestBytes < 1)
            yield return "Dashboard:Otlp:MaxRequestBytes must be 1 or more.";
        if (Frontend.MaxConsoleLogCount < 1)
            yield return "Dashboard:Frontend:MaxConsoleLogCount must be 1 or more.";
        foreach (var (name, value) in TelemetryLimits.All)
        {
            if (value < 1)
                yield return $"Dashboard:TelemetryLimits:{name} must be 1 or more.";
        }
        foreach (var url in Frontend.EndpointUrls.Split(';').Append(Otlp.GrpcEndpointUrl!).Append(Otlp.HttpEndpointUrl!))
        {
            if (!url.StartsWith("http://", StringComparison.OrdinalIgnoreCase) && !url.StartsWith("https://", StringComparison.OrdinalIgnoreCase))
                yield return $"'{url}' is not an address to listen at; it must be such as http://localhost:18888.";
        }
    }
}

enum FrontendAuthMode { BrowserToken, Unsecured }

enum OtlpAuthMode { Unsecured, ApiKey }

enum ApiAuthMode { ApiKey, Unsecured }

sealed class FrontendOptions
{
    public FrontendAuthMode AuthMode { get; set; }

    /// <summary>What the login asks for; made up at each start when it has no value.</summary>
    public string? BrowserToken { get; set; }

    /// <summary>Console lines that a page keeps, the newest.</summary>
    public int MaxConsoleLogCount { get; set; } = 10_000;

    public string EndpointUrls { get; set; } = "";
}

sealed class OtlpOptions
{
    public string? GrpcEndpointUrl { get; set; }

    public string? HttpEndpointUrl { get; set; }

    /// <summary>ApiKey when it has no value and there is a key.</summary>
    public OtlpAuthMode? AuthMode { get; set; }

    public string? PrimaryApiKey { get; set; }

    public string? SecondaryApiKey { get; set; }

    /// <summary>The largest message, after decompression.</summary>
    public int MaxRequestBytes { get; set; } = 16 * 1024 * 1024;

    public OtlpCorsOptions Cors { get; set; } = new();
}

/// <summary>For pages that send telemetry from the browser, by OTLP/HTTP. Lists have commas; * is everything.</summary>
sealed class OtlpCorsOptions
{
    /// <summary>Without any, browsers keep pages of other origins from sending.</summary>
    public string? AllowedOrigins { get; set; }

    public string AllowedHeaders { get; set; } = "content-type,content-encoding,x-otlp-api-key,x-requested-with";

    public void Apply(CorsPolicyBuilder policy) => policy
        .WithOrigins(Split(AllowedOrigins)).SetIsOriginAllowedToAllowWildcardSubdomains().WithHeaders(Split(AllowedHeaders)).WithMethods(HttpMethods.Post);

    static string[] Split(string? list) => list?.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries) ?? [];
}

sealed class ApiOptions
{
    public bool Enabled { get; set; } = true;

    /// <summary>With ApiKey a login does as well; without a key there is only the login.</summary>
    public ApiAuthMode AuthMode { get; set; }

    public string? PrimaryApiKey { get; set; }

    public string? SecondaryApiKey { get; set; }
}

sealed class ResourceServiceClientOptions
{
    /// <summary>Where the app host tells of its resources; without it only telemetry is shown.</summary>
    public Uri? Url { get; set; }

    public string? ApiKey { get; set; }
}

/// <summary>What is kept. The oldest goes when a limit is reached.</summary>
sealed class TelemetryLimitOptions
{
    public int MaxLogCount { get; set; } = 10_000;

    public int MaxTraceCount { get; set; } = 10_000;

    /// <summary>Points of each time series.</summary>
    public int MaxMetricsCount { get; set; } = 50_000;

    /// <summary>Of each span, log record, scope, resource, event and link.</summary>
    public int MaxAttributeCount { get; set; } = 128;

    /// <summary>Characters of each text.</summary>
    public int MaxAttributeLength { get; set; } = int.MaxValue;

    public int MaxSpanEventCount { get; set; } = int.MaxValue;

    public int MaxResourceCount { get; set; } = 10_000;

    /// <summary>Time series of one instrument.</summary>
    public int MaxSeriesCount { get; set; } = 2_000;

    /// <summary>The memory for spans, and the same again for log records and for metrics.</summary>
    public long MaxBytes { get; set; } = 96L * 1024 * 1024;

    public IEnumerable<(string Name, long Value)> All =>
    [
        (nameof(MaxLogCount), MaxLogCount), (nameof(MaxTraceCount), MaxTraceCount), (nameof(MaxMetricsCount), MaxMetricsCount),
        (nameof(MaxAttributeCount), MaxAttributeCount), (nameof(MaxAttributeLength), MaxAttributeLength), (nameof(MaxSpanEventCount), MaxSpanEventCount),
        (nameof(MaxResourceCount), MaxResourceCount), (nameof(MaxSeriesCount), MaxSeriesCount), (nameof(MaxBytes), MaxBytes),
    ];
}

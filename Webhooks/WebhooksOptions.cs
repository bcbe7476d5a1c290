using System.Net;

namespace AspireJobs.Webhooks;

/// <summary>Settings of the sender.</summary>
sealed class WebhooksOptions
{
    /// <summary>The configuration section.</summary>
    public const string Section = "Webhooks";

    /// <summary>1 to 256: attempts under way at once.</summary>
    public int Concurrency { get; set; } = 16;

    /// <summary>1 to 60 seconds from the look-up of the host name to the end of the answer.</summary>
    public int TimeoutSeconds { get; set; } = 15;

    /// <summary>
    /// Networks (CIDR) that may be called although they are not public, such as <c>10.1.0.0/16</c>. Public addresses may
    /// always be called; loopback, private and other special addresses only if listed here.
    /// </summary>
    public IReadOnlyList<string> AllowedNetworks { get; set; } = [];

    /// <summary>Logs and spans name only the host of a callback's URL: some receivers, such as chat services, put a secret into its path.</summary>
    public bool HidePaths { get; set; }

    public TimeSpan Timeout => TimeSpan.FromSeconds(TimeoutSeconds);

    /// <summary>How long a claim holds: an attempt and time to record it. A sender that dies delays its deliveries by this much.</summary>
    public TimeSpan Lease => Timeout + TimeSpan.FromSeconds(15);

    /// <summary>A URL as logs and spans may show it: queries carry tokens.</summary>
    public string Loggable(Uri url) => url.GetLeftPart(HidePaths ? UriPartial.Authority : UriPartial.Path);

    public static bool IsNetwork(string text) => IPNetwork.TryParse(text, out _);
}

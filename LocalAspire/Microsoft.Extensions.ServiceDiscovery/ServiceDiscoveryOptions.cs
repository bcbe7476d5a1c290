namespace Microsoft.Extensions.ServiceDiscovery;

/// <summary>Which URI schemes service discovery may choose.</summary>
public sealed class ServiceDiscoveryOptions
{
    /// <summary>Whether every scheme that a request names is allowed. Default: true.</summary>
    public bool AllowAllSchemes { get; set; } = true;

    /// <summary>The allowed schemes when <see cref="AllowAllSchemes"/> is false.</summary>
    public IList<string> AllowedSchemes { get; set; } = [];
}

using System.Diagnostics.CodeAnalysis;
using Aspire.Hosting.ApplicationModel;

namespace Aspire.Hosting;

/// <summary>A service that is not part of the application, at a fixed URL or at one that a parameter has.</summary>
public sealed class ExternalServiceResource : Resource
{
    /// <exception cref="ArgumentException">The URI is not absolute, or it has a path or a fragment.</exception>
    public ExternalServiceResource(string name, Uri uri)
        : base(name)
    {
        ArgumentNullException.ThrowIfNull(uri);
        if (!IsValid(uri.OriginalString, out _, out var fault))
            throw new ArgumentException($"The URL '{uri}' of the external service '{name}' is invalid: {fault}", nameof(uri));
        Uri = uri;
    }

    public ExternalServiceResource(string name, ParameterResource urlParameter)
        : base(name)
    {
        ArgumentNullException.ThrowIfNull(urlParameter);
        UrlParameter = urlParameter;
    }

    public Uri? Uri { get; }

    public ParameterResource? UrlParameter { get; }

    /// <exception cref="DistributedApplicationException">The value of the parameter is not a URL of a service.</exception>
    internal async ValueTask<Uri> GetUriAsync(CancellationToken cancellationToken)
    {
        if (Uri is not null)
            return Uri;
        return IsValid(await UrlParameter!.GetValueAsync(cancellationToken), out var uri, out var fault)
            ? uri
            : throw new DistributedApplicationException($"The value of the URL parameter '{UrlParameter.Name}' of the external service '{Name}' is invalid: {fault}");
    }

    internal static bool IsValid(string? url, [NotNullWhen(true)] out Uri? uri, [NotNullWhen(false)] out string? fault)
    {
        fault = !Uri.TryCreate(url, UriKind.Absolute, out uri) ? "The URL for the external service must be an absolute URI."
            : uri.AbsolutePath != "/" ? "The URL absolute path must be \"/\"."
            : uri.Fragment.Length > 0 ? "The URL must not contain a fragment."
            : null;
        return fault is null;
    }
}

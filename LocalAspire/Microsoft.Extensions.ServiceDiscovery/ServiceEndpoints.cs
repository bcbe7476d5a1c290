using System.Collections.Concurrent;
using System.Globalization;
using System.Runtime.CompilerServices;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Options;

namespace Microsoft.Extensions.ServiceDiscovery;

/// <summary>Finds the endpoints of a service in the configuration, as it is at the moment of the request.</summary>
sealed class ServiceEndpoints(IConfiguration configuration, IOptions<ServiceDiscoveryOptions> options)
{
    readonly ConcurrentDictionary<string, StrongBox<uint>> turns = new(StringComparer.OrdinalIgnoreCase);

    public Uri Resolve(Uri uri)
    {
        var schemes = AllowedSchemes(uri.Scheme.Split('+'));
        var (service, endpointName) = SplitHost(uri.Host);
        var section = FindSection(configuration.GetSection("Services").GetSection(service), endpointName, schemes);
        var candidates = section is null ? [] : BestRanked(Values(section), schemes);

        return candidates.Count == 0
            ? PassThrough(uri, schemes)
            : Rewrite(uri, candidates[NextTurn(section!.Path, candidates.Count)], schemes);
    }

    string[] AllowedSchemes(string[] schemes) => options.Value.AllowAllSchemes
        ? schemes
        : [.. schemes.Where(s => options.Value.AllowedSchemes.Contains(s, StringComparer.OrdinalIgnoreCase))];

    // "_admin.api" asks for the endpoint "admin" of the service "api".
    static (string Service, string? EndpointName) SplitHost(string host)
    {
        var dot = host.IndexOf('.', StringComparison.Ordinal);
        return host.StartsWith('_') && dot > 1
            ? (host[(dot + 1)..], host[1..dot])
            : (host, null);
    }

    static IConfigurationSection? FindSection(IConfigurationSection service, string? endpointName, string[] schemes)
    {
        IEnumerable<string> names = endpointName is null ? ["default", .. schemes] : [endpointName];
        return names.Select(service.GetSection).FirstOrDefault(s => s.Exists());
    }

    static IEnumerable<string> Values(IConfigurationSection section)
    {
        if (section.Value is { Length: > 0 } single)
            return [single];

        return section.GetChildren().Select(child => int.TryParse(child.Key, NumberStyles.None, CultureInfo.InvariantCulture, out _)
            ? child.Value ?? ""
            : throw new KeyNotFoundException($"The endpoints of '{section.Path}' must be a list with numbered keys; '{child.Key}' is not a number."));
    }

    // Keeps the endpoints of the most preferred scheme that has any. An endpoint without a scheme suits every request.
    static List<Uri> BestRanked(IEnumerable<string> values, string[] schemes)
    {
        var ranked = values.Where(v => v.Length > 0)
            .Select(Parse)
            .Select(endpoint => (Endpoint: endpoint, Rank: endpoint.Scheme == AnyScheme ? 0 : Array.IndexOf(schemes, endpoint.Scheme)))
            .Where(e => e.Rank >= 0)
            .ToList();
        return ranked.Count == 0 ? [] : [.. ranked.Where(e => e.Rank == ranked.Min(r => r.Rank)).Select(e => e.Endpoint)];
    }

    const string AnyScheme = "any";

    static Uri Parse(string value) =>
        Uri.TryCreate(value.Contains("://", StringComparison.Ordinal) ? value : $"{AnyScheme}://{value}", UriKind.Absolute, out var uri)
            ? uri
            : throw new FormatException($"'{value}' is not an endpoint: expected host:port or scheme://host:port.");

    int NextTurn(string key, int count) =>
        (int)((Interlocked.Increment(ref turns.GetOrAdd(key, _ => new StrongBox<uint>()).Value) - 1) % (uint)count);

    static Uri Rewrite(Uri uri, Uri endpoint, string[] schemes) => new UriBuilder(uri)
    {
        Scheme = endpoint.Scheme == AnyScheme ? schemes[0] : endpoint.Scheme,
        Host = endpoint.Host,
        Port = endpoint.Port,
        Path = endpoint.AbsolutePath.TrimEnd('/') + uri.AbsolutePath,
    }.Uri;

    static Uri PassThrough(Uri uri, string[] schemes) => schemes.Length == 0
        ? throw new InvalidOperationException($"None of the schemes of '{uri.Scheme}://{uri.Host}' is allowed.")
        : schemes[0] == uri.Scheme ? uri : new UriBuilder(uri) { Scheme = schemes[0], Port = uri.IsDefaultPort ? -1 : uri.Port }.Uri;
}

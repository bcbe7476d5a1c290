using System.Collections.Concurrent;
using Aspire.Dashboard.Otlp;

namespace Aspire.Dashboard.Store;

/// <summary>All senders, each kept once. It only grows, up to its limit.</summary>
sealed class ResourceCatalog(TelemetryLimitOptions limits)
{
    // A program has a few dozen scopes; more than this is somebody who puts data into the name.
    const int MaxScopesOfResource = 1_000;

    readonly ConcurrentDictionary<(string Name, string Instance), Entry> _entries = new();

    public IEnumerable<TelemetryResource> All => _entries.Values.Select(entry => entry.Resource).OrderBy(r => r.InstanceName, StringComparer.Ordinal);

    /// <returns>Null when there are too many already.</returns>
    public Entry? Find(Resource? message)
    {
        message ??= new();
        var name = Text(message, "service.name") is { Length: > 0 } given ? given : "unknown_service";
        var key = (name, Text(message, "service.instance.id") ?? "");
        if (_entries.TryGetValue(key, out var entry))
            return entry;
        if (_entries.Count >= limits.MaxResourceCount)
            return null;

        AttributeLimits.Apply(message.Attributes, limits);
        return _entries.GetOrAdd(key, new Entry(new(key.Item1, key.Item2, message), limits));
    }

    static string? Text(Resource message, string key) => message.Attributes.FirstOrDefault(a => a.Key == key)?.Value?.StringValue;

    /// <summary>A sender with its scopes.</summary>
    public sealed class Entry(TelemetryResource resource, TelemetryLimitOptions limits)
    {
        readonly ConcurrentDictionary<(string Name, string Version), TelemetryScope> _scopes = new();

        public TelemetryResource Resource => resource;

        /// <returns>Null when there are too many already.</returns>
        public TelemetryScope? Scope(InstrumentationScope? message)
        {
            message ??= new();
            var key = (message.Name, message.Version);
            if (_scopes.TryGetValue(key, out var scope))
                return scope;
            if (_scopes.Count >= MaxScopesOfResource)
                return null;

            AttributeLimits.Apply(message.Attributes, limits);
            return _scopes.GetOrAdd(key, new TelemetryScope(resource, message));
        }
    }
}

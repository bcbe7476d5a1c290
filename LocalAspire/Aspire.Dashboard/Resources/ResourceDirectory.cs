using System.Text.Json.Nodes;
using Aspire.Dashboard.Store;

namespace Aspire.Dashboard.Resources;

/// <summary>The resources as the app host last told of them. What it tells is passed on as it is.</summary>
sealed class ResourceDirectory
{
    readonly Lock _lock = new();
    readonly Dictionary<string, JsonObject> _resources = [];
    Dictionary<string, string> _peers = [];

    public ChangeSignal Changes { get; } = new();

    /// <summary>A copy that the caller may change.</summary>
    public List<JsonObject> All()
    {
        lock (_lock)
            return [.. _resources.Values.Select(resource => (JsonObject)resource.DeepClone())];
    }

    public bool Contains(string id)
    {
        lock (_lock)
            return _resources.ContainsKey(id);
    }

    public void Set(JsonObject resource)
    {
        lock (_lock)
        {
            _resources[(string)resource["id"]!] = resource;
            _peers = Peers();
        }
        Changes.Raise();
    }

    public void Clear()
    {
        lock (_lock)
            _resources.Clear();
        Changes.Raise();
    }

    /// <summary>The resource that listens at an address such as localhost:5432.</summary>
    public string? Resolve(string peer) => Volatile.Read(ref _peers).GetValueOrDefault(Normalize(peer));

    Dictionary<string, string> Peers()
    {
        var peers = new Dictionary<string, string>();
        foreach (var resource in _resources.Values)
        {
            foreach (var url in (resource["urls"] as JsonArray ?? []).Select(url => (string?)url!["url"]))
            {
                if (Uri.TryCreate(url, UriKind.Absolute, out var uri) && uri.Port > 0)
                    peers.TryAdd(Normalize(uri.Authority), (string)resource["name"]!);
            }
        }
        return peers;
    }

    static string Normalize(string peer) => peer.Replace("127.0.0.1", "localhost", StringComparison.Ordinal).Replace("[::1]", "localhost", StringComparison.Ordinal);
}

using System.Collections;

namespace Aspire.Hosting.ApplicationModel;

/// <summary>A network in which endpoints have addresses of their own.</summary>
public record NetworkIdentifier(string Value);

public static class KnownNetworkIdentifiers
{
    /// <summary>This machine, as its own processes see it.</summary>
    public static readonly NetworkIdentifier LocalhostNetwork = new("localhost");

    /// <summary>What the containers of an application share.</summary>
    public static readonly NetworkIdentifier DefaultAspireContainerNetwork = new("aspire-container-network");

    public static readonly NetworkIdentifier PublicInternet = new(".");
}

public static class KnownHostNames
{
    public const string Localhost = "localhost";
    public const string DefaultContainerTunnelHostName = "aspire.dev.internal";
    public const string DockerDesktopHostBridge = "host.docker.internal";
}

/// <summary>On which addresses an endpoint listens.</summary>
public enum EndpointBindingMode
{
    SingleAddress,
    DualStackAnyAddresses,
    IPv4AnyAddresses,
    IPv6AnyAddresses,
}

/// <summary>A value that is set at some time; whoever reads it earlier waits.</summary>
public sealed class ValueSnapshot<T>
{
    readonly Lock _lock = new();
    TaskCompletionSource<T> _value = Pending();

    public bool IsValueSet
    {
        get
        {
            lock (_lock)
                return _value.Task.IsCompletedSuccessfully;
        }
    }

    public Task<T> GetValueAsync(CancellationToken cancellationToken = default)
    {
        lock (_lock)
            return _value.Task.WaitAsync(cancellationToken);
    }

    /// <summary>Sets the value, or replaces the one that was set before.</summary>
    public void SetValue(T value)
    {
        lock (_lock)
        {
            Renew();
            _value.SetResult(value);
        }
    }

    /// <summary>Throws at everyone who reads the value.</summary>
    public void SetException(Exception exception)
    {
        ArgumentNullException.ThrowIfNull(exception);
        lock (_lock)
        {
            Renew();
            _value.SetException(exception);
            // That nobody reads it is no fault.
            _ = _value.Task.Exception;
        }
    }

    void Renew()
    {
        if (_value.Task.IsCompleted)
            _value = Pending();
    }

    static TaskCompletionSource<T> Pending() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}

/// <summary>The address of an endpoint in one network.</summary>
public record NetworkEndpointSnapshot(ValueSnapshot<AllocatedEndpoint> Snapshot, NetworkIdentifier NetworkID);

/// <summary>The addresses of an endpoint, one for each network in which it can be reached.</summary>
public class NetworkEndpointSnapshotList : IEnumerable<NetworkEndpointSnapshot>
{
    readonly Lock _lock = new();
    readonly List<NetworkEndpointSnapshot> _snapshots = [];
    Func<NetworkIdentifier, Exception>? _unreachable;

    /// <exception cref="ArgumentException">The address belongs to another network.</exception>
    public void AddOrUpdateAllocatedEndpoint(NetworkIdentifier networkId, AllocatedEndpoint endpoint)
    {
        ArgumentNullException.ThrowIfNull(networkId);
        ArgumentNullException.ThrowIfNull(endpoint);
        if (endpoint.NetworkID != networkId)
            throw new ArgumentException($"The address '{endpoint}' belongs to the network '{endpoint.NetworkID.Value}', not to '{networkId.Value}'.", nameof(endpoint));
        Of(networkId).SetValue(endpoint);
    }

    /// <summary>The address in a network; waits until the endpoint has one there.</summary>
    public Task<AllocatedEndpoint> GetAllocatedEndpointAsync(NetworkIdentifier networkId, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(networkId);
        return Of(networkId).GetValueAsync(cancellationToken);
    }

    public IEnumerator<NetworkEndpointSnapshot> GetEnumerator()
    {
        lock (_lock)
            return _snapshots.ToList().GetEnumerator();
    }

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    internal ValueSnapshot<AllocatedEndpoint> Of(NetworkIdentifier network)
    {
        lock (_lock)
        {
            var known = _snapshots.Find(s => s.NetworkID == network);
            if (known is null)
            {
                known = new(new(), network);
                _snapshots.Add(known);
                if (_unreachable is not null)
                    known.Snapshot.SetException(_unreachable(network));
            }
            return known.Snapshot;
        }
    }

    /// <summary>No further address will come: to wait for one in another network is an error from now on.</summary>
    internal void Complete(Func<NetworkIdentifier, Exception> unreachable)
    {
        lock (_lock)
        {
            _unreachable = unreachable;
            foreach (var open in _snapshots.Where(s => !s.Snapshot.IsValueSet))
                open.Snapshot.SetException(unreachable(open.NetworkID));
        }
    }
}

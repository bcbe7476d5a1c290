using System.Net.Sockets;

namespace Aspire.Hosting.ApplicationModel;

/// <summary>One port that a resource listens on, and the public port through which others reach it.</summary>
public sealed class EndpointAnnotation : IResourceAnnotation
{
    string? _transport;
    int? _port;
    int? _targetPort;
    bool _isPortLeftOpen;
    bool _isTargetPortLeftOpen;
    bool _isProxied = true;
    bool? _isExplicitlyProxied;
    bool? _tlsEnabled;

    public EndpointAnnotation(
        ProtocolType protocol,
        string? uriScheme = null,
        string? transport = null,
        [EndpointName] string? name = null,
        int? port = null,
        int? targetPort = null,
        bool? isExternal = null,
        bool? isProxied = null)
        : this(protocol, networkId: null, uriScheme, transport, name, port, targetPort, isExternal, isProxied) { }

    /// <param name="protocol">TCP or UDP.</param>
    /// <param name="networkId">The network in which the endpoint has its own address; null for this machine's.</param>
    /// <param name="uriScheme">Null for the name of the protocol.</param>
    /// <param name="transport">Null for <c>http</c> where the scheme is HTTP, or else the protocol.</param>
    /// <param name="name">Null for the scheme.</param>
    /// <param name="port">The public port; null for one that is chosen at start.</param>
    /// <param name="targetPort">The port of the process; null for one that is chosen at start.</param>
    /// <param name="isExternal">Whether callers outside of the application are meant.</param>
    /// <param name="isProxied">False when the process itself listens on the public port; null to leave that to the resource.</param>
    public EndpointAnnotation(
        ProtocolType protocol,
        NetworkIdentifier? networkId,
        string? uriScheme = null,
        string? transport = null,
        [EndpointName] string? name = null,
        int? port = null,
        int? targetPort = null,
        bool? isExternal = null,
        bool? isProxied = null)
    {
        Protocol = protocol;
        UriScheme = uriScheme ?? (protocol == ProtocolType.Udp ? "udp" : "tcp");
        Name = name ?? UriScheme;
        _transport = transport;
        _port = port;
        _targetPort = targetPort;
        IsExternal = isExternal ?? false;
        IsExplicitlyProxied = isProxied;
        DefaultNetworkID = networkId ?? KnownNetworkIdentifiers.LocalhostNetwork;
        LocalAspire.Names.Validate("Endpoint", Name, NameValidationPolicyAnnotation.Default);
    }

    public EndpointAnnotation(
        ProtocolType protocol, string? uriScheme, string? transport, [EndpointName] string? name, int? port, int? targetPort, bool? isExternal, bool isProxied)
        : this(protocol, networkId: null, uriScheme, transport, name, port, targetPort, isExternal, (bool?)isProxied) { }

    public EndpointAnnotation(
        ProtocolType protocol,
        NetworkIdentifier? networkId,
        string? uriScheme,
        string? transport,
        [EndpointName] string? name,
        int? port,
        int? targetPort,
        bool? isExternal,
        bool isProxied)
        : this(protocol, networkId, uriScheme, transport, name, port, targetPort, isExternal, (bool?)isProxied) { }

    public string Name { get; set; }

    public ProtocolType Protocol { get; set; }

    /// <summary>The public port, 1 to 65535; null for one that is chosen at start.</summary>
    public int? Port
    {
        get => _port ?? (IsProxied || _isPortLeftOpen ? null : _targetPort);
        set => (_port, _isPortLeftOpen) = (value, value is null);
    }

    /// <summary>The port that the process itself listens on; null for one that is chosen at start.</summary>
    public int? TargetPort
    {
        get => _targetPort ?? (IsProxied || _isTargetPortLeftOpen ? null : _port);
        set => (_targetPort, _isTargetPortLeftOpen) = (value, value is null);
    }

    public string UriScheme { get; set; }

    public string Transport
    {
        get => _transport ?? (UriScheme is "http" or "https" ? "http" : Protocol == ProtocolType.Udp ? "udp" : "tcp");
        set => _transport = value;
    }

    /// <summary>The host name that the process binds to.</summary>
    public string TargetHost { get; set; } = "localhost";

    public bool IsExternal { get; set; }

    /// <summary>Whether a proxy holds the public port, so that the process may listen on another one. Settled when the endpoint is allocated.</summary>
    public bool IsProxied
    {
        get => _isProxied;
        set => IsExplicitlyProxied = value;
    }

    /// <summary>Null when the author has left it to the resource.</summary>
    public bool? IsExplicitlyProxied
    {
        get => _isExplicitlyProxied;
        set => (_isExplicitlyProxied, _isProxied) = (value, value ?? true);
    }

    /// <summary>Where nobody has said: whether the scheme is https.</summary>
    public bool TlsEnabled
    {
        get => _tlsEnabled ?? UriScheme is "https";
        set => _tlsEnabled = value;
    }

    public bool ExcludeReferenceEndpoint { get; set; }

    /// <summary>The network in which the endpoint has its own address.</summary>
    public NetworkIdentifier DefaultNetworkID { get; }

    /// <summary>The addresses in all networks.</summary>
    public NetworkEndpointSnapshotList AllAllocatedEndpoints { get; } = new();

    /// <summary>The address that was given at start, in the default network; null before. Null takes it back.</summary>
    /// <exception cref="InvalidOperationException">The address belongs to another network.</exception>
    public AllocatedEndpoint? AllocatedEndpoint
    {
        get => AllocationIn(DefaultNetworkID);
        set
        {
            var allocation = AllAllocatedEndpoints.Of(DefaultNetworkID);
            if (value is null)
                allocation.SetException(new InvalidOperationException($"The endpoint '{Name}' is not allocated."));
            else if (value.NetworkID != DefaultNetworkID)
                throw new InvalidOperationException($"The address '{value}' belongs to the network '{value.NetworkID.Value}'; the endpoint '{Name}' is in '{DefaultNetworkID.Value}'.");
            else
                allocation.SetValue(value);
        }
    }

    /// <summary>The address in a network, null when it has none there yet.</summary>
    internal AllocatedEndpoint? AllocationIn(NetworkIdentifier network) =>
        AllAllocatedEndpoints.Of(network) is { IsValueSet: true } allocation ? allocation.GetValueAsync().GetAwaiter().GetResult() : null;

    /// <summary>What the author has left open is up to the resource.</summary>
    internal void SettleProxy(bool isProxied) => _isProxied = _isExplicitlyProxied ?? isProxied;

    /// <summary>Whether it comes from the project's settings for Kestrel.</summary>
    internal bool IsOfKestrel { get; init; }

    /// <summary>The variable that tells the process its port; such an endpoint stays out of ASPNETCORE_URLS.</summary>
    internal string? TargetPortEnvironmentVariable { get; set; }
}

public class AllocatedEndpoint
{
    public AllocatedEndpoint(EndpointAnnotation endpoint, string address, int port, string? targetPortExpression = null)
        : this(endpoint, address, port, EndpointBindingMode.SingleAddress, targetPortExpression) { }

    public AllocatedEndpoint(EndpointAnnotation endpoint, string address, int port, EndpointBindingMode bindingMode, string? targetPortExpression = null)
        : this(endpoint, address, port, bindingMode, targetPortExpression, networkId: null) { }

    /// <param name="endpoint">The endpoint that received the address.</param>
    /// <param name="address">A host name or an IP address.</param>
    /// <param name="port">1 to 65535.</param>
    /// <param name="bindingMode">On which addresses it listens.</param>
    /// <param name="targetPortExpression">The port of the process, as text.</param>
    /// <param name="networkId">The network in which the address holds; null for this machine's.</param>
    public AllocatedEndpoint(
        EndpointAnnotation endpoint, string address, int port, EndpointBindingMode bindingMode, string? targetPortExpression = null, NetworkIdentifier? networkId = null)
    {
        ArgumentNullException.ThrowIfNull(endpoint);
        ArgumentOutOfRangeException.ThrowIfLessThan(port, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(port, 65535);
        Endpoint = endpoint;
        Address = address;
        Port = port;
        BindingMode = bindingMode;
        TargetPortExpression = targetPortExpression;
        NetworkID = networkId ?? KnownNetworkIdentifiers.LocalhostNetwork;
    }

    public EndpointAnnotation Endpoint { get; }

    public string Address { get; }

    public int Port { get; }

    public EndpointBindingMode BindingMode { get; }

    public NetworkIdentifier NetworkID { get; }

    public string? TargetPortExpression { get; }

    public string UriScheme => Endpoint.UriScheme;

    public string EndPointString => $"{Address}:{Port}";

    /// <summary><c>scheme://address:port</c>, without a slash at the end.</summary>
    public string UriString => $"{UriScheme}://{EndPointString}";

    public override string ToString() => UriString;
}

using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Options;

namespace AspireJobs.Webhooks;

/// <summary>The callback's host is not one that may be called.</summary>
sealed class AddressNotAllowedException() : Exception(
    // Without the address: the caller reads this text, and must not learn how names inside the network resolve.
    $"the host is at an address that is neither public nor in {WebhooksOptions.Section}:AllowedNetworks");

/// <summary>
/// Keeps callbacks out of networks that are not the callers' business (server-side request forgery). It checks the very
/// address that it then connects to, so a host name cannot change its mind between check and use.
/// </summary>
sealed class TargetAddressGuard(IOptions<WebhooksOptions> options)
{
    // IANA's special-purpose registry, multicast, and the address at which Azure's hosts serve their guests.
    static readonly IPNetwork[] SpecialIPv4 = Networks(
        "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24",
        "168.63.129.16/32", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4");

    // Only this part of IPv6 is given out as public addresses. Loopback, local, multicast, NAT64 and whatever comes lie outside.
    static readonly IPNetwork PublicIPv6 = IPNetwork.Parse("2000::/3");

    // Protocol assignments with Teredo, documentation, 6to4.
    static readonly IPNetwork[] SpecialIPv6 = Networks("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20");

    readonly IPNetwork[] _allowed = Networks([.. options.Value.AllowedNetworks]);

    /// <summary>Whether an address may be called.</summary>
    public bool IsAllowed(IPAddress address)
    {
        if (address.IsIPv4MappedToIPv6)
            address = address.MapToIPv4();
        return Contains(_allowed, address) || IsPublic(address);
    }

    /// <summary>Opens the connection of a request: to an allowed address of its host, or not at all.</summary>
    /// <exception cref="AddressNotAllowedException">The host has no allowed address.</exception>
    public async ValueTask<Stream> ConnectAsync(SocketsHttpConnectionContext context, CancellationToken cancellationToken)
    {
        var host = context.DnsEndPoint;
        var addresses = IPAddress.TryParse(host.Host, out var literal) ? [literal] : await Dns.GetHostAddressesAsync(host.Host, cancellationToken);
        var allowed = addresses.Where(IsAllowed).ToArray();
        if (allowed.Length == 0)
            throw new AddressNotAllowedException();
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await socket.ConnectAsync(allowed, host.Port, cancellationToken);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    static bool IsPublic(IPAddress address) => address.AddressFamily == AddressFamily.InterNetwork
        ? !Contains(SpecialIPv4, address)
        : PublicIPv6.Contains(address) && !Contains(SpecialIPv6, address);

    static bool Contains(IPNetwork[] networks, IPAddress address) => Array.Exists(networks, network => network.Contains(address));

    static IPNetwork[] Networks(params string[] networks) => Array.ConvertAll(networks, network => IPNetwork.Parse(network));
}

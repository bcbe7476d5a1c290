using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;
using Aspire.Hosting.ApplicationModel;

namespace LocalAspire;

static class Ports
{
    // Below the range from which the kernel takes the ports of outgoing connections: none of those can come in between.
    const int First = 10_000;
    const int Last = 32_767;
    const int Attempts = 1_000;
    static readonly TimeSpan RetryInterval = TimeSpan.FromMilliseconds(100);

    // Shared by all app hosts of the process: a port that was given away is free until its process binds it.
    static readonly Lock Gate = new();
    static readonly HashSet<int> Given = [];

    /// <summary>A port that no one listens on.</summary>
    public static int Pick()
    {
        lock (Gate)
        {
            for (var i = 0; i < Attempts; i++)
            {
                var port = Random.Shared.Next(First, Last + 1);
                if (!Given.Contains(port) && IsFree(port))
                {
                    Given.Add(port);
                    return port;
                }
            }
        }
        throw new UnableToStartException($"no free TCP port was found between {First} and {Last}.");
    }

    /// <summary>Always the same port for the same text.</summary>
    public static int Stable(string text) => First + (int)(BinaryPrimitives.ReadUInt32BigEndian(SHA256.HashData(Encoding.UTF8.GetBytes(text))) % (Last - First + 1));

    public static void Return(int port)
    {
        lock (Gate)
            Given.Remove(port);
    }

    /// <exception cref="SocketException">The port is taken.</exception>
    public static int Check(int port)
    {
        foreach (var socket in Listen(IPAddress.Loopback, port))
            socket.Dispose();
        return port;
    }

    static bool IsFree(int port)
    {
        try
        {
            Check(port);
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }

    /// <summary>Listens on an address; for the IPv4 loopback on that of IPv6 as well, where the machine has it.</summary>
    public static IReadOnlyList<Socket> Listen(IPAddress address, int port)
    {
        var sockets = new List<Socket> { Bind(address, port) };
        if (!address.Equals(IPAddress.Loopback) || !Socket.OSSupportsIPv6)
            return sockets;
        try
        {
            sockets.Add(Bind(IPAddress.IPv6Loopback, ((IPEndPoint)sockets[0].LocalEndPoint!).Port));
        }
        catch (SocketException e) when (e.SocketErrorCode == SocketError.AddressNotAvailable)
        {
            // IPv6 is switched off on this machine.
        }
        catch
        {
            sockets[0].Dispose();
            throw;
        }
        return sockets;
    }

    /// <summary>Tries again for a while, because a predecessor may be about to let the port go.</summary>
    /// <exception cref="UnableToStartException">The port stays taken.</exception>
    public static async Task<T> WhenFreeAsync<T>(
        IResource resource, EndpointAnnotation endpoint, int port, TimeSpan patience, Func<T> use, TimeProvider clock, CancellationToken cancellationToken)
    {
        var start = clock.GetTimestamp();
        while (true)
        {
            try
            {
                return use();
            }
            catch (SocketException e) when (e.SocketErrorCode == SocketError.AddressAlreadyInUse && clock.GetElapsedTime(start) < patience)
            {
                await Task.Delay(RetryInterval, clock, cancellationToken);
            }
            catch (SocketException e)
            {
                var reason = e.SocketErrorCode == SocketError.AddressAlreadyInUse ? "is taken by another program" : $"cannot be used ({e.Message})";
                throw new UnableToStartException(
                    $"port {port} of the endpoint '{endpoint.Name}' of the resource '{resource.Name}' {reason}. "
                    + $"Stop the program that listens on it (`ss -ltnp 'sport = :{port}'` shows which), or give the endpoint another port.");
            }
        }
    }

    static Socket Bind(IPAddress address, int port)
    {
        var socket = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            socket.Bind(new IPEndPoint(address, port));
            socket.Listen(512);
            return socket;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }
}

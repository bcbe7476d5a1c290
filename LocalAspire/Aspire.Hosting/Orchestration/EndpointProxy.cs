using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;

namespace LocalAspire;

/// <summary>Holds the public port of an endpoint and passes each TCP connection to one process behind it, chosen at random.</summary>
sealed class EndpointProxy : IAsyncDisposable
{
    const int BufferSize = 16 * 1024;

    readonly CancellationTokenSource _stop = new();
    readonly ConcurrentDictionary<Socket, byte> _open = new();
    readonly IReadOnlyList<Socket> _listeners;
    readonly Task[] _accepting;
    readonly Lock _lock = new();
    IPEndPoint[] _targets = [];

    EndpointProxy(IReadOnlyList<Socket> listeners)
    {
        _listeners = listeners;
        _accepting = [.. listeners.Select(AcceptAsync)];
    }

    public int Port => ((IPEndPoint)_listeners[0].LocalEndPoint!).Port;

    /// <param name="host">Where the process would listen; the proxy listens on all addresses only where the process would.</param>
    /// <param name="port">Zero for a free one.</param>
    public static EndpointProxy Listen(string host, int port) => new(Ports.Listen(PublicAddress(host), port));

    public void Add(IPEndPoint target)
    {
        lock (_lock)
            _targets = [.. _targets, target];
    }

    public void Remove(IPEndPoint target)
    {
        lock (_lock)
            _targets = [.. _targets.Where(t => !t.Equals(target))];
    }

    public static IPEndPoint Target(string host, int port) =>
        new(IPAddress.TryParse(host.Trim('[', ']'), out var address) && !address.Equals(IPAddress.Any) && !address.Equals(IPAddress.IPv6Any) ? address : IPAddress.Loopback, port);

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        foreach (var listener in _listeners)
            listener.Dispose();
        foreach (var socket in _open.Keys)
            socket.Dispose();
        await Task.WhenAll(_accepting);
        _stop.Dispose();
    }

    static IPAddress PublicAddress(string host) => host switch
    {
        "*" or "+" or "0.0.0.0" => IPAddress.Any,
        "[::]" => IPAddress.IPv6Any,
        _ => IPAddress.TryParse(host.Trim('[', ']'), out var address) ? address : IPAddress.Loopback,
    };

    async Task AcceptAsync(Socket listener)
    {
        while (!_stop.IsCancellationRequested)
        {
            Socket client;
            try
            {
                client = await listener.AcceptAsync(_stop.Token);
            }
            catch (Exception e) when (e is SocketException or OperationCanceledException or ObjectDisposedException)
            {
                if (_stop.IsCancellationRequested)
                    return;
                continue;
            }
            _ = ServeAsync(client);
        }
    }

    async Task ServeAsync(Socket client)
    {
        using var _ = client;
        _open.TryAdd(client, 0);
        Socket? server = null;
        try
        {
            server = await ConnectAsync();
            if (server is null)
                return;

            _open.TryAdd(server, 0);
            (client.NoDelay, server.NoDelay) = (true, true);
            await Task.WhenAll(CopyAsync(client, server), CopyAsync(server, client));
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException or OperationCanceledException)
        {
            // One side has gone; the other learns it by the close below.
        }
        finally
        {
            _open.TryRemove(client, out byte _);
            if (server is not null)
            {
                _open.TryRemove(server, out byte _);
                server.Dispose();
            }
        }
    }

    async Task<Socket?> ConnectAsync()
    {
        var targets = _targets.ToArray();
        Random.Shared.Shuffle(targets);
        foreach (var target in targets)
        {
            var socket = new Socket(target.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
            try
            {
                await socket.ConnectAsync(target, _stop.Token);
                return socket;
            }
            catch (SocketException)
            {
                // Not listening yet, or no longer: the next one may be.
                socket.Dispose();
            }
        }
        return null;
    }

    async Task CopyAsync(Socket from, Socket to)
    {
        var buffer = new byte[BufferSize];
        try
        {
            int read;
            while ((read = await from.ReceiveAsync(buffer, SocketFlags.None, _stop.Token)) > 0)
            {
                for (var sent = 0; sent < read;)
                    sent += await to.SendAsync(buffer.AsMemory(sent, read - sent), SocketFlags.None, _stop.Token);
            }
            to.Shutdown(SocketShutdown.Send);
        }
        catch
        {
            // A broken direction ends both: the sockets are closed, so that the other copy stops as well.
            from.Dispose();
            to.Dispose();
            throw;
        }
    }
}

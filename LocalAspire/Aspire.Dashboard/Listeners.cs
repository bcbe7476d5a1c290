using System.Net;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace Aspire.Dashboard;

/// <summary>What a port is for. What belongs to one is not to be had at another.</summary>
enum Listener { Frontend, OtlpGrpc, OtlpHttp }

sealed record ListenerFeature(Listener Listener);

static class Listeners
{
    public static void Listen(KestrelServerOptions kestrel, DashboardOptions options)
    {
        kestrel.AddServerHeader = false;
        // The receiver has its own limit, which it can explain.
        kestrel.Limits.MaxRequestBodySize = null;
        foreach (var url in options.Frontend.EndpointUrls.Split(';', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
            Listen(kestrel, url, Listener.Frontend, HttpProtocols.Http1);
        Listen(kestrel, options.Otlp.GrpcEndpointUrl!, Listener.OtlpGrpc, HttpProtocols.Http2);
        Listen(kestrel, options.Otlp.HttpEndpointUrl!, Listener.OtlpHttp, HttpProtocols.Http1);
    }

    public static Listener Of(HttpContext context) => context.Features.Get<ListenerFeature>()!.Listener;

    static void Listen(KestrelServerOptions kestrel, string url, Listener listener, HttpProtocols protocols)
    {
        var address = BindingAddress.Parse(url);
        if (address.Host.Equals("localhost", StringComparison.OrdinalIgnoreCase) && address.Port == 0)
            kestrel.Listen(IPAddress.Loopback, 0, Configure);
        else if (address.Host.Equals("localhost", StringComparison.OrdinalIgnoreCase))
            kestrel.ListenLocalhost(address.Port, Configure);
        else if (IPAddress.TryParse(address.Host.Trim('[', ']'), out var ip))
            kestrel.Listen(ip, address.Port, Configure);
        else
            kestrel.ListenAnyIP(address.Port, Configure);

        void Configure(ListenOptions listen)
        {
            listen.Protocols = address.Scheme == "https" && listener == Listener.Frontend ? HttpProtocols.Http1AndHttp2 : protocols;
            if (address.Scheme == "https")
                listen.UseHttps();
            listen.Use(next => connection =>
            {
                connection.Features.Set(new ListenerFeature(listener));
                return next(connection);
            });
        }
    }
}

using Aspire.Dashboard.Login;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;

namespace Aspire.Dashboard;

/// <summary>The lines at the start, in Aspire's words, because tools look for them.</summary>
static class Announcement
{
    public static void Print(WebApplication app)
    {
        var options = app.Services.GetRequiredService<DashboardOptions>();
        var login = app.Services.GetRequiredService<BrowserLogin>();
        // In the order in which they were told to listen: the pages, then the two of the receiver.
        var addresses = app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.ToArray();
        foreach (var address in addresses[..^2])
            Console.WriteLine($"Now listening on: {address}");
        Console.WriteLine($"OTLP/gRPC listening on: {addresses[^2]}");
        Console.WriteLine($"OTLP/HTTP listening on: {addresses[^1]}");
        if (login.IsRequired)
            Console.WriteLine($"Login to the dashboard at {addresses[0]}/login?t={login.Token}");
        else
            Console.WriteLine("Warning: everybody who reaches this address can read everything (Dashboard:Frontend:AuthMode is Unsecured).");
        if (options.Otlp.AuthMode == OtlpAuthMode.Unsecured)
            Console.WriteLine("Warning: everybody who reaches this machine can send telemetry (Dashboard:Otlp:AuthMode is Unsecured).");
    }
}

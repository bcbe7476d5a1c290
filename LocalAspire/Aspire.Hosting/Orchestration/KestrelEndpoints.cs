using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Configuration;

namespace LocalAspire;

/// <summary>Where the settings files of a project let Kestrel listen: the section <c>Kestrel:Endpoints</c>. It overrides every other word on that.</summary>
/// <param name="Name">The name of the endpoint in the application.</param>
/// <param name="Address">Scheme, host and port.</param>
/// <param name="IsHttp2">Whether it speaks HTTP/2 only.</param>
sealed record KestrelEndpoint(string Name, BindingAddress Address, bool IsHttp2)
{
    public string Host => IsLoopback(Address.Host) ? KnownHostNames.Localhost : Address.Host;

    public int? Port => Address.Port is 0 ? null : Address.Port;

    public static IReadOnlyList<KestrelEndpoint> Of(IProjectMetadata project)
    {
        var kestrel = Settings(Path.GetDirectoryName(project.ProjectPath)!).GetSection("Kestrel");
        var isHttp2 = kestrel["EndpointDefaults:Protocols"] is "Http2";
        // The only one of its scheme goes by the scheme, as others expect it.
        return
        [
            .. from endpoint in kestrel.GetSection("Endpoints").GetChildren()
               where endpoint["Url"] is not null
               group (endpoint.Key, Address: Parse(project, endpoint), Protocols: endpoint["Protocols"]) by Parse(project, endpoint).Scheme into ofScheme
               let isOnly = ofScheme.Count() == 1
               from entry in ofScheme
               select new KestrelEndpoint(isOnly ? ofScheme.Key : entry.Key, entry.Address, entry.Protocols is null ? isHttp2 : entry.Protocols is "Http2"),
        ];
    }

    static bool IsLoopback(string host) => host is "localhost" or "127.0.0.1" or "[::1]";

    static BindingAddress Parse(IProjectMetadata project, IConfigurationSection endpoint)
    {
        try
        {
            return BindingAddress.Parse(endpoint["Url"]!);
        }
        catch (FormatException e)
        {
            throw new DistributedApplicationException($"The setting '{endpoint.Path}:Url' of the project '{project.ProjectPath}' is '{endpoint["Url"]}', which is not an address to listen on: {e.Message}", e);
        }
    }

    static IConfigurationRoot Settings(string directory)
    {
        var environment = Environment.GetEnvironmentVariable("ASPNETCORE_ENVIRONMENT") ?? Environment.GetEnvironmentVariable("DOTNET_ENVIRONMENT");
        var name = Path.GetFileName(directory);
        string[] files = ["appsettings.json", $"appsettings.{environment}.json", $"{name}.settings.json", $"{name}.settings.{environment}.json"];
        var configuration = new ConfigurationBuilder();
        foreach (var file in files.Select(file => Path.Combine(directory, file)).Where(File.Exists))
            configuration.AddJsonFile(file, optional: true, reloadOnChange: false);
        return configuration.Build();
    }
}

using System.Net;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;

namespace AspireJobs.Tests.Hosting;

/// <summary>Where a request to the name of a service goes.</summary>
public sealed class ServiceDiscoveryTests
{
    [Theory]
    [InlineData("http://api/jobs?id=1", "http://localhost:5001/jobs?id=1")]
    [InlineData("http://API/jobs", "http://localhost:5001/jobs")]
    [InlineData("https+http://api/jobs", "https://localhost:6001/jobs")]
    [InlineData("http+https://api/jobs", "http://localhost:5001/jobs")]
    [InlineData("https+http://plain/", "http://localhost:5002/")]
    [InlineData("http://_admin.api/jobs", "http://localhost:7001/jobs")]
    [InlineData("https+http://_admin.api/jobs", "http://localhost:7001/jobs")]
    [InlineData("http://based/jobs", "http://localhost:5003/base/jobs")]
    [InlineData("http://bare/jobs", "http://10.0.0.7:8080/jobs")]
    [InlineData("http://fallback/jobs", "http://localhost:5004/jobs")]
    [InlineData("http://unknown.example/jobs", "http://unknown.example/jobs")]
    [InlineData("https+http://unknown.example/jobs", "https://unknown.example/jobs")]
    [InlineData("http://unknown.example:81/jobs", "http://unknown.example:81/jobs")]
    public async Task A_name_becomes_the_address_of_an_endpoint(string request, string expected)
    {
        var (client, requests) = Create(services => services.AddServiceDiscovery());

        await client.GetAsync(new Uri(request), TestContext.Current.CancellationToken);

        Assert.Equal(expected, Assert.Single(requests));
    }

    [Fact]
    public async Task Several_endpoints_take_turns()
    {
        var (client, requests) = Create(services => services.AddServiceDiscovery());

        for (var i = 0; i < 4; i++)
            await client.GetAsync(new Uri("http://many/"), TestContext.Current.CancellationToken);

        Assert.Equal(["http://localhost:5010/", "http://localhost:5011/", "http://localhost:5010/", "http://localhost:5011/"], requests);
    }

    [Fact]
    public async Task Only_schemes_that_are_allowed_are_chosen()
    {
        var (client, requests) = Create(services => services.AddServiceDiscovery(options =>
        {
            options.AllowAllSchemes = false;
            options.AllowedSchemes = ["http"];
        }));

        await client.GetAsync(new Uri("https+http://api/jobs"), TestContext.Current.CancellationToken);

        Assert.Equal("http://localhost:5001/jobs", Assert.Single(requests));
    }

    [Fact]
    public async Task A_list_without_numbers_is_told()
    {
        var (client, _) = Create(services => services.AddServiceDiscovery());

        var fault = await Assert.ThrowsAsync<KeyNotFoundException>(() => client.GetAsync(new Uri("http://broken/"), TestContext.Current.CancellationToken));

        Assert.Contains("'first'", fault.Message);
    }

    static (HttpClient Client, List<string> Requests) Create(Action<IServiceCollection> addServiceDiscovery)
    {
        // As the variables services__api__http__0 and so on come out.
        var configuration = new ConfigurationBuilder().AddInMemoryCollection(new Dictionary<string, string?>
        {
            ["services:api:http:0"] = "http://localhost:5001",
            ["services:api:https:0"] = "https://localhost:6001",
            ["services:api:admin:0"] = "http://localhost:7001",
            ["services:plain:http:0"] = "http://localhost:5002",
            ["services:based:http:0"] = "http://localhost:5003/base/",
            ["services:bare:http"] = "10.0.0.7:8080",
            ["services:fallback:default:0"] = "http://localhost:5004",
            ["services:fallback:http:0"] = "http://localhost:5005",
            ["services:many:http:0"] = "http://localhost:5010",
            ["services:many:http:1"] = "http://localhost:5011",
            ["services:broken:http:first"] = "http://localhost:5020",
        }).Build();
        var recorder = new Recorder();
        var services = new ServiceCollection().AddSingleton<IConfiguration>(configuration);
        addServiceDiscovery(services);
        services.AddHttpClient("").AddServiceDiscovery().ConfigurePrimaryHttpMessageHandler(() => recorder);
        return (services.BuildServiceProvider().GetRequiredService<IHttpClientFactory>().CreateClient(), recorder.Requests);
    }

    sealed class Recorder : HttpMessageHandler
    {
        public List<string> Requests { get; } = [];

        protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            Requests.Add(request.RequestUri!.ToString());
            return Task.FromResult(new HttpResponseMessage(HttpStatusCode.OK));
        }
    }
}

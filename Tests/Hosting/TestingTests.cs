using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Testing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace AspireJobs.Tests.Hosting;

/// <summary>The AppHost's own Main inside of a test.</summary>
public sealed class TestingTests
{
    [Fact]
    public async Task A_factory_steps_in_while_main_runs()
    {
        await using var factory = new Factory("--Parameters:admin-api-key=x", "--greeting=hello");
        Assert.Throws<InvalidOperationException>(() => factory.GetEndpoint("extra"));

        await factory.StartAsync(Apps.Stop);

        Assert.Equal(["creating", "created with 0 resources", "building with api", "built"], factory.Calls);
        Assert.Equal("hello", factory.Greeting);
        Assert.Equal("localhost", factory.GetEndpoint("extra").Host);
        using var client = factory.CreateHttpClient("extra");
        Assert.Equal(factory.GetEndpoint("extra", "http"), client.BaseAddress);
        Assert.Equal("Key=value", await factory.GetConnectionString("settings"));

        await factory.DisposeAsync();
        Assert.Throws<ObjectDisposedException>(() => factory.GetEndpoint("extra"));
    }

    [Fact]
    public async Task The_launch_profile_of_the_app_host_counts_as_its_environment()
    {
        await using var builder = await DistributedApplicationTestingBuilder.CreateAsync<Projects.AppHost>(Apps.Stop);

        Assert.Equal(("http", "true"), (builder.Configuration["DOTNET_LAUNCH_PROFILE"], builder.Configuration["ASPIRE_ALLOW_UNSECURED_TRANSPORT"]));
        Assert.True(builder.Environment.IsDevelopment());
        Assert.Equal("http://localhost:4317", builder.Configuration["ASPIRE_DASHBOARD_OTLP_ENDPOINT_URL"]);
    }

    sealed class Factory(params string[] args) : DistributedApplicationFactory(typeof(Projects.AppHost), args)
    {
        public List<string> Calls { get; } = [];

        public string? Greeting { get; private set; }

        protected override void OnBuilderCreating(DistributedApplicationOptions applicationOptions, HostApplicationBuilderSettings hostOptions) =>
            Calls.Add("creating");

        protected override void OnBuilderCreated(DistributedApplicationBuilder applicationBuilder) =>
            Calls.Add($"created with {applicationBuilder.Resources.Count} resources");

        protected override void OnBuilding(DistributedApplicationBuilder applicationBuilder)
        {
            Calls.Add($"building with {applicationBuilder.Resources.Single(resource => resource.Name == "api").Name}");
            // The real ones are for other tests.
            applicationBuilder.Resources.Clear();
            applicationBuilder.Services.AddLogging(logging => logging.ClearProviders());
            applicationBuilder.AddSleeper("extra").WithHttpEndpoint();
            applicationBuilder.AddConnectionString("settings", ReferenceExpression.Create($"Key=value"));
            Greeting = applicationBuilder.Configuration["greeting"];
        }

        protected override void OnBuilt(DistributedApplication application) => Calls.Add("built");
    }
}

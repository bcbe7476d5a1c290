using System.Net.Sockets;
using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Testing;

namespace AspireJobs.Tests.Hosting;

/// <summary>Where endpoints come from, and the address that each has in a network.</summary>
public sealed class EndpointTests
{
    const string Profile = """{ "profiles": { "web": { "commandName": "Project", "applicationUrl": "http://localhost:6001", "launchUrl": "docs", "environmentVariables": { "MODE": "x" } } } }""";

    [Fact]
    public async Task Endpoints_of_kestrel_in_the_settings_replace_those_of_the_launch_profile()
    {
        using var project = new WebProject("""
            { "Kestrel": { "Endpoints": {
                "Public": { "Url": "http://127.0.0.1:6100" },
                "Admin": { "Url": "https://*:6200", "Protocols": "Http2" },
                "Other": { "Url": "https://localhost:6300" } } } }
            """, Profile);
        await using var builder = Apps.Create();

        var web = builder.AddProject("web", project.Path).WithHttpEndpoint(name: "extra");

        Assert.Equal(
            [("Admin", "https", 6200, "*", "http2"), ("Other", "https", 6300, "localhost", "http"), ("http", "http", 6100, "localhost", "http"), ("extra", "http", null, "localhost", "http")],
            web.Resource.Annotations.OfType<EndpointAnnotation>().Select(e => (e.Name, e.UriScheme, e.Port, e.TargetHost, e.Transport)));
        var variables = await VariablesAsync(builder, web.Resource);
        Assert.Equal(
            [
                ("Kestrel__Endpoints__Admin__Url", "https://*:{web.bindings.Admin.targetPort}"),
                ("Kestrel__Endpoints__Other__Url", "https://localhost:{web.bindings.Other.targetPort}"),
                ("Kestrel__Endpoints__extra__Url", "http://*:{web.bindings.extra.targetPort}"),
                ("Kestrel__Endpoints__http__Url", "http://localhost:{web.bindings.http.targetPort}"),
            ],
            variables.Where(v => v.Key.StartsWith("Kestrel__", StringComparison.Ordinal)).OrderBy(v => v.Key, StringComparer.Ordinal).Select(v => (v.Key, ((ReferenceExpression)v.Value).ValueExpression)));
        Assert.DoesNotContain("ASPNETCORE_URLS", variables.Keys);
        Assert.Equal("x", variables["MODE"]);
    }

    [Fact]
    public void Endpoints_of_kestrel_can_be_left_out()
    {
        using var project = new WebProject("""{ "Kestrel": { "Endpoints": { "Web": { "Url": "http://localhost:6100" } } } }""", Profile);
        using var builder = Apps.Create();

        var web = builder.AddProject("web", project.Path, options => options.ExcludeKestrelEndpoints = true);

        Assert.Equal(6001, Assert.Single(web.Resource.Annotations.OfType<EndpointAnnotation>()).Port);
    }

    [Fact]
    public async Task Published_a_port_of_kestrel_is_the_one_of_the_process()
    {
        using var project = new WebProject("""{ "Kestrel": { "Endpoints": { "Web": { "Url": "http://localhost:6100" } } } }""");
        var manifest = await Manifests.WriteAsync(builder => builder.AddProject("web", project.Path));

        var bindings = manifest["web"]!["bindings"]!;
        Assert.Equal((6100, 6100), ((int?)bindings["http"]!["targetPort"], (int?)bindings["https"]!["targetPort"]));
        var variables = manifest["web"]!["env"]!.AsObject();
        Assert.Equal("http://*:{web.bindings.http.targetPort}", (string?)variables["Kestrel__Endpoints__http__Url"]);
        Assert.DoesNotContain("HTTP_PORTS", variables.Select(variable => variable.Key));
    }

    [Fact]
    public async Task The_page_of_the_launch_profile_is_the_one_that_is_shown()
    {
        using var project = new WebProject("{}", Profile);
        await using var builder = Apps.Create();
        builder.AddProject("web", project.Path).WithExplicitStart();

        await using var app = await builder.StartAsync();

        Assert.Equal(new Uri(app.GetEndpoint("web"), "docs").ToString(), Assert.Single(app.Snapshot("web").Urls).Url);
    }

    [Fact]
    public void Callers_that_were_compiled_before_a_proxy_was_optional_still_work()
    {
        using var builder = Apps.Create();
        var (isProxied, none) = (false, (string?)null);
        var app = builder.AddSleeper("app")
            .WithEndpoint(6001, null, "redis", "one", none, isProxied, true, ProtocolType.Tcp)
            .WithEndpoint(6002, null, "redis", "two", none, isProxied, true)
            .WithEndpoint(6003, null, "redis", "three", none, (bool?)isProxied, true)
            .WithHttpEndpoint(6004, null, "four", none, isProxied)
            .WithHttpsEndpoint(6005, null, "five", none, isProxied);

        Assert.Equal(
            [("one", 6001, "redis"), ("two", 6002, "redis"), ("three", 6003, "redis"), ("four", 6004, "http"), ("five", 6005, "https")],
            app.Resource.Annotations.OfType<EndpointAnnotation>().Select(e => (e.Name, e.Port!.Value, e.UriScheme)));
        Assert.All(app.Resource.Annotations.OfType<EndpointAnnotation>(), e => Assert.False(e.IsProxied));
        Assert.False(new EndpointAnnotation(ProtocolType.Tcp, "http", null, "web", 80, 80, false, isProxied: false).IsProxied);
    }

    [Fact]
    public async Task Without_a_proxy_the_process_has_the_public_port()
    {
        await using var builder = Apps.Create();
        var server = builder.AddScript("app", "echo my port is $PORT; sleep 600").WithHttpEndpoint(env: "PORT");
        server.Resource.Annotations.Add(new ProxySupportAnnotation { ProxyEnabled = false });

        await using var app = await builder.StartAsync();

        var line = await app.WatchLogAsync(server.Resource, line => line.Contains("my port is", StringComparison.Ordinal));
        Assert.EndsWith($" {app.GetEndpoint("app").Port}", line);
    }

    [Fact]
    public async Task An_endpoint_has_an_address_in_each_network_that_knows_it()
    {
        await using var builder = Apps.Create();
        var tunnel = new NetworkIdentifier("tunnel");
        var app = builder.AddSleeper("app").WithHttpEndpoint();
        var annotation = app.Resource.Annotations.OfType<EndpointAnnotation>().Single();
        var there = app.GetEndpoint("http", tunnel);
        var reading = there.GetValueAsync(Apps.Stop);
        Assert.False(there.IsAllocated || reading.IsCompleted);
        var client = builder.AddSleeper("client").WithReference(app.GetEndpoint("http"));
        client.Resource.Annotations.OfType<EndpointReferenceAnnotation>().Single().ContextNetworkId = tunnel;

        annotation.AllAllocatedEndpoints.AddOrUpdateAllocatedEndpoint(tunnel, new(annotation, "far.example", 4711, EndpointBindingMode.SingleAddress, networkId: tunnel));
        await using var running = await builder.StartAsync();

        Assert.Equal(("http://far.example:4711", "http://far.example:4711"), (await reading, there.Url));
        Assert.Equal("far.example", await app.GetEndpoint("http").Property(EndpointProperty.Host).GetValueAsync(new ValueProviderContext { Network = tunnel }, Apps.Stop));
        Assert.Equal("localhost", app.GetEndpoint("http").Host);
        Assert.Contains(running.Snapshot("client").EnvironmentVariables, variable => variable is { Name: "services__app__http__0", Value: "http://far.example:4711" });
        Assert.Equal(new Uri("http://far.example:4711"), running.GetEndpointForNetwork("app", tunnel, "http"));
        Assert.Equal(running.GetEndpoint("app"), running.GetEndpointForNetwork("app", null));
        Assert.Throws<ArgumentException>(() => annotation.AllAllocatedEndpoints.AddOrUpdateAllocatedEndpoint(KnownNetworkIdentifiers.PublicInternet, new(annotation, "x", 1)));
    }

    [Fact]
    public async Task An_address_in_a_network_that_is_not_there_is_an_error_instead_of_a_wait()
    {
        Apps.RequireStandIns();
        await using var builder = Apps.Create();
        var app = builder.AddSleeper("app").WithHttpEndpoint();
        builder.AddSleeper("client").WithEnvironment("URL", app.GetEndpoint("http", KnownNetworkIdentifiers.DefaultAspireContainerNetwork));

        await using var running = await builder.StartAsync();

        Assert.Equal(KnownResourceStates.FailedToStart, running.State("client"));
        Assert.Contains(await running.LogAsync("client"), line => line.Contains("'app'", StringComparison.Ordinal) && line.Contains("aspire-container-network", StringComparison.Ordinal));
        Assert.Throws<ArgumentException>(() => running.GetEndpointForNetwork("app", KnownNetworkIdentifiers.PublicInternet));
    }

    [Fact]
    public void Names_of_resources_that_people_do_not_see_may_break_the_rules()
    {
        using var builder = Apps.Create();
        var odd = new Odd("1_odd--name-");
        Assert.Throws<ArgumentException>(() => builder.AddResource(odd));

        odd.Annotations.Add(NameValidationPolicyAnnotation.None);

        Assert.Equal(odd, builder.AddResource(odd).Resource);
    }

    static async Task<Dictionary<string, object>> VariablesAsync(IDistributedApplicationBuilder builder, ProjectResource resource)
    {
        var context = new EnvironmentCallbackContext(builder.ExecutionContext, resource);
        foreach (var annotation in resource.Annotations.OfType<EnvironmentCallbackAnnotation>())
            await annotation.Callback(context);
        return context.EnvironmentVariables;
    }

    sealed class Odd(string name) : Resource(name);
}

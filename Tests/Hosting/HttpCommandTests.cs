using System.Collections.Concurrent;
using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Testing;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Logging;

namespace AspireJobs.Tests.Hosting;

/// <summary>Commands that are requests to the resource.</summary>
public sealed class HttpCommandTests : IAsyncLifetime
{
    readonly ConcurrentQueue<string> _requests = new();
    readonly WebApplication _server;

    public HttpCommandTests()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        _server = builder.Build();
        _server.Map("/{**path}", (HttpContext context, string path) =>
        {
            _requests.Enqueue($"{context.Request.Method} /{path} {context.Request.Headers["X-Reason"]}".TrimEnd());
            return path is "broken" ? Results.Json(new { why = "disk full" }, statusCode: 507) : Results.Text($"did {path}");
        });
    }

    public async ValueTask InitializeAsync() => await _server.StartAsync();

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    [Fact]
    public async Task A_post_whose_status_alone_counts()
    {
        await using var builder = Apps.Create();
        AddServer(builder).WithHttpCommand("/clear", "Clear").WithHttpCommand("/broken", "Break", commandName: "break");
        await using var app = await HealthyAsync(builder);

        var done = await ExecuteAsync(app, "server-http-http-post-/clear");
        var failed = await ExecuteAsync(app, "break");

        Assert.Equal(["POST /clear", "POST /broken"], _requests);
        Assert.Equal((true, null), (done.Success, done.Data?.Value));
        Assert.False(failed.Success);
        Assert.Contains("507", failed.Message);
    }

    [Fact]
    public async Task The_author_forms_the_request_and_reads_the_response()
    {
        await using var builder = Apps.Create();
        AddServer(builder)
            .WithHttpCommand("/cache", "Drop", commandName: "drop", commandOptions: new()
            {
                Method = HttpMethod.Delete,
                PrepareRequest = context =>
                {
                    context.Request.Headers.Add("X-Reason", $"asked of {context.ResourceName[..7]}");
                    return Task.CompletedTask;
                },
                GetCommandResult = async context => CommandResults.Success(await context.Response.Content.ReadAsStringAsync(context.CancellationToken)),
            })
            .WithHttpCommand("/broken", "Break", commandName: "json", commandOptions: new() { ResultMode = HttpCommandResultMode.Auto })
            .WithHttpCommand("/fine", "Fine", commandName: "text", commandOptions: new() { ResultMode = HttpCommandResultMode.Auto });
        await using var app = await HealthyAsync(builder);

        Assert.Equal("did cache", (await ExecuteAsync(app, "drop")).Message);
        Assert.Equal("DELETE /cache asked of server-", Assert.Single(_requests));
        var json = await ExecuteAsync(app, "json");
        Assert.Equal((false, CommandResultFormat.Json, """{"why":"disk full"}"""), (json.Success, json.Data!.Format, json.Data.Value));
        var text = await ExecuteAsync(app, "text");
        Assert.Equal((true, CommandResultFormat.Text, "did fine"), (text.Success, text.Data!.Format, text.Data.Value));
    }

    [Fact]
    public async Task It_is_enabled_while_the_resource_is_healthy()
    {
        await using var builder = Apps.Create();
        var isHealthy = new TaskCompletionSource();
        builder.Services.AddHealthChecks().AddAsyncCheck("gate", async () =>
        {
            await isHealthy.Task;
            return HealthCheckResult.Healthy();
        });
        AddServer(builder).WithHealthCheck("gate").WithHttpCommand("/clear", "Clear", commandName: "clear");
        await using var app = await builder.StartAsync();
        await app.ResourceNotifications.WaitForResourceAsync("server", e => StateOf(e) is ResourceCommandState.Disabled, Apps.Stop);

        isHealthy.SetResult();

        await app.ResourceNotifications.WaitForResourceAsync("server", e => StateOf(e) is ResourceCommandState.Enabled, Apps.Stop);
    }

    [Fact]
    public void An_endpoint_that_is_not_there_or_not_http_is_named()
    {
        using var builder = Apps.Create();
        var server = builder.AddSleeper("server");

        Assert.All(["'server'", "https, http"], part => Assert.Contains(part, Assert.Throws<DistributedApplicationException>(() => server.WithHttpCommand("/x", "X")).Message));
        Assert.Contains("wbe", Assert.Throws<DistributedApplicationException>(() => server.WithHttpCommand("/x", "X", endpointName: "wbe")).Message);
        server.WithEndpoint(name: "raw");
        Assert.Contains("'tcp'", Assert.Throws<DistributedApplicationException>(() => server.WithHttpCommand("/x", "X", () => server.GetEndpoint("raw"))).Message);
    }

    // The process does nothing; what it would listen on is the server of the test, behind the proxy of the endpoint.
    IResourceBuilder<ExecutableResource> AddServer(IDistributedApplicationBuilder builder) =>
        builder.AddSleeper("server").WithHttpEndpoint(targetPort: new Uri(_server.Urls.Single()).Port);

    static async Task<DistributedApplication> HealthyAsync(IDistributedApplicationTestingBuilder builder)
    {
        var app = await builder.StartAsync();
        await app.ResourceNotifications.WaitForResourceHealthyAsync("server", Apps.Stop);
        return app;
    }

    static Task<ExecuteCommandResult> ExecuteAsync(DistributedApplication app, string command) =>
        app.ResourceCommands.ExecuteCommandAsync("server", command, Apps.Stop);

    static ResourceCommandState? StateOf(ResourceEvent e) => e.Snapshot.Commands.FirstOrDefault(command => command.Name == "clear")?.State;
}

using System.Net;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Aspire.Hosting.ApplicationModel;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;

namespace LocalAspire.Dashboard;

/// <summary>Tells the dashboard of the resources and their output, and takes its commands. Private to the two: loopback, and a key of this run.</summary>
sealed class ResourceService(
    ResourceNotificationService notifications, ResourceLoggerService logs, ResourceCommandService commands, SecretValues secrets, DashboardSettings settings) : IAsyncDisposable
{
    const string KeyHeader = "x-resource-service-api-key";

    readonly CancellationTokenSource _stopping = new();
    WebApplication? _app;

    public async Task<Uri> StartAsync()
    {
        var builder = WebApplication.CreateEmptyBuilder(new());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0));
        builder.Services.AddRoutingCore();
        _app = builder.Build();
        _app.UseRouting();
        _app.MapGet("/resources", (RequestDelegate)WatchResourcesAsync);
        _app.MapGet("/resources/{id}/console", (RequestDelegate)WatchConsoleAsync);
        _app.MapGet("/resources/{id}/environment/{name}", (RequestDelegate)RevealVariableAsync);
        _app.MapGet("/resources/{id}/properties/{name}", (RequestDelegate)RevealPropertyAsync);
        _app.MapPost("/resources/{id}/commands/{command}", (RequestDelegate)ExecuteAsync);
        await _app.StartAsync();
        return new(_app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Single());
    }

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        if (_app is not null)
            await _app.DisposeAsync();
        _stopping.Dispose();
    }

    Task WatchResourcesAsync(HttpContext context) => StreamAsync(context, notifications.WatchAsync, change => [ResourceView.Of(change, secrets)]);

    /// <summary>With <c>follow=false</c> what there is so far.</summary>
    Task WatchConsoleAsync(HttpContext context)
    {
        var id = Route(context, "id");
        return StreamAsync(
            context,
            stop => context.Request.Query["follow"] == "false" ? logs.GetAllAsync(id) : logs.WatchAsync(id),
            lines => lines.Select(line => new { Resource = id, Line = line.LineNumber, line.Content, Error = line.IsErrorMessage }));
    }

    Task RevealVariableAsync(HttpContext context) => RevealAsync(context, (current, name) =>
        current.Snapshot.EnvironmentVariables.FirstOrDefault(variable => variable.Name == name)?.Value);

    Task RevealPropertyAsync(HttpContext context) => RevealAsync(context, (current, name) => current.Resource is ParameterResource parameter && name == ResourceView.ParameterValue
        ? SecretValues.Value(parameter)
        : ResourceView.Text(current.Snapshot.Properties.FirstOrDefault(property => property.Name == name)?.Value));

    async Task RevealAsync(HttpContext context, Func<ResourceEvent, string, string?> find)
    {
        if (!Authenticate(context))
            return;
        if (notifications.TryGetCurrentState(Route(context, "id"), out var current) && find(current, Route(context, "name")) is { } value)
            await WriteAsync(context, new { Value = value });
        else
            context.Response.StatusCode = StatusCodes.Status404NotFound;
    }

    async Task ExecuteAsync(HttpContext context)
    {
        if (!Authenticate(context))
            return;
        var result = await commands.ExecuteCommandAsync(Route(context, "id"), Route(context, "command"), _stopping.Token);
        await WriteAsync(context, new { result.Success, result.Canceled, result.Message });
    }

    /// <summary>One JSON object a line, for as long as there is something to tell.</summary>
    async Task StreamAsync<T>(HttpContext context, Func<CancellationToken, IAsyncEnumerable<T>> source, Func<T, IEnumerable<object>> view)
    {
        if (!Authenticate(context))
            return;
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted, _stopping.Token);
        try
        {
            context.Response.ContentType = "application/x-ndjson";
            await context.Response.StartAsync(stop.Token);
            await foreach (var item in source(stop.Token).WithCancellation(stop.Token))
            {
                foreach (var line in view(item))
                {
                    await JsonSerializer.SerializeAsync(context.Response.Body, line, JsonSerializerOptions.Web, stop.Token);
                    await context.Response.WriteAsync("\n", stop.Token);
                }
            }
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            // The dashboard has left, or the application ends.
        }
    }

    bool Authenticate(HttpContext context)
    {
        var isKnown = context.Request.Headers[KeyHeader] is [{ } key]
            && CryptographicOperations.FixedTimeEquals(Encoding.UTF8.GetBytes(key), Encoding.UTF8.GetBytes(settings.ResourceServiceKey));
        if (!isKnown)
            context.Response.StatusCode = StatusCodes.Status401Unauthorized;
        return isKnown;
    }

    static Task WriteAsync(HttpContext context, object value) => context.Response.WriteAsJsonAsync(value, JsonSerializerOptions.Web, context.RequestAborted);

    static string Route(HttpContext context, string name) => (string)context.GetRouteValue(name)!;
}

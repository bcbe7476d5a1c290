using System.Globalization;
using System.Net.Mime;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Aspire.Dashboard.Api;
using Aspire.Dashboard.Resources;
using Aspire.Dashboard.Store;
using Microsoft.AspNetCore.Mvc;

namespace Aspire.Dashboard.Ui;

static class ResourceEndpoints
{
    public static void MapResources(this IEndpointRouteBuilder ui)
    {
        ui.MapGet("/resources", GetResources);
        ui.MapGet("/resources/{id}/environment/{name}", (string id, string name, ResourceDirectory directory, ResourceServiceClient client, HttpContext context) =>
            RevealAsync(id, "environment", name, directory, client, context));
        ui.MapGet("/resources/{id}/properties/{name}", (string id, string name, ResourceDirectory directory, ResourceServiceClient client, HttpContext context) =>
            RevealAsync(id, "properties", name, directory, client, context));
        ui.MapPost("/resources/{id}/commands/{command}", ExecuteAsync);
        ui.MapGet("/console", FollowConsoleAsync);
        ui.MapGet("/console/download", DownloadAsync);
    }

    static IResult GetResources(ResourceDirectory directory, ResourceCatalog catalog, DashboardOptions options)
    {
        var senders = catalog.All.ToList();
        var resources = options.ResourceServiceClient.Url is null ? [.. senders.Select(Alone)] : directory.All();
        foreach (var resource in resources)
        {
            var (id, name) = ((string)resource["id"]!, (string)resource["name"]!);
            resource["displayName"] = resources.Count(other => (string)other["name"]! == name) == 1 ? name : id;
            resource["telemetry"] = senders.Find(sender => sender.InstanceName == id) is { } sender ? Telemetry(sender) : null;
        }
        return Results.Json(new { Resources = resources }, UiJson.Options);
    }

    /// <summary>Without an app host a sender of telemetry is all that is known of a resource.</summary>
    static JsonObject Alone(TelemetryResource sender) => new()
    {
        ["id"] = sender.InstanceName,
        ["name"] = sender.Name,
        ["type"] = "Telemetry",
        ["state"] = null,
        ["stateStyle"] = null,
        ["health"] = null,
        ["exitCode"] = null,
        ["hidden"] = false,
        ["parent"] = null,
        ["createdAt"] = null,
        ["startedAt"] = null,
        ["stoppedAt"] = null,
        ["source"] = null,
        ["sourceFull"] = null,
        ["urls"] = new JsonArray(),
        ["environment"] = new JsonArray(),
        ["properties"] = new JsonArray([.. sender.Message.Attributes.Select(a => new JsonObject { ["name"] = a.Key, ["value"] = AttributeText.Of(a.Value), ["secret"] = false })]),
        ["volumes"] = new JsonArray(),
        ["healthReports"] = new JsonArray(),
        ["commands"] = new JsonArray(),
        ["relationships"] = new JsonArray(),
    };

    static JsonObject Telemetry(TelemetryResource sender) => new()
    {
        ["spans"] = sender.Spans,
        ["logs"] = sender.Logs,
        ["errorLogs"] = sender.ErrorLogs,
        ["metrics"] = sender.HasMetrics,
    };

    static async Task<IResult> RevealAsync(string id, string kind, string name, ResourceDirectory directory, ResourceServiceClient client, HttpContext context) =>
        directory.Contains(id) && await client.RevealAsync(id, kind, name, context.RequestAborted) is { } value
            ? Results.Json(value)
            : Results.Problem(title: "Not found", detail: $"The resource '{id}' has no '{name}'.", statusCode: StatusCodes.Status404NotFound);

    static async Task<IResult> ExecuteAsync(string id, string command, ResourceServiceClient client, ResourceDirectory directory) => directory.Contains(id)
        // Not ended by the caller's leaving: half a restart helps nobody.
        ? Results.Json(await client.ExecuteAsync(id, command, CancellationToken.None))
        : NoResource(id);

    static async Task<IResult> FollowConsoleAsync(HttpContext context, ResourceDirectory directory, ConsoleStream console, [FromQuery] string[]? resource, bool? follow)
    {
        if (resource?.FirstOrDefault(id => !directory.Contains(id)) is { } unknown)
            return NoResource(unknown);
        var ids = Chosen(directory, resource);
        await NdJson.RunAsync(context, async stream =>
        {
            var snapshot = await console.SnapshotAsync(ids, stream.Stop);
            foreach (var line in snapshot)
                stream.Write(json => JsonSerializer.Serialize(json, line, UiJson.Options));
            await stream.FlushAsync();
            if (follow is not false)
                await stream.FollowAsync(console.Follow(ids, snapshot, stream.Stop), line => stream.Write(json => JsonSerializer.Serialize(json, line, UiJson.Options)));
        });
        return Results.Empty;
    }

    static async Task<IResult> DownloadAsync(HttpContext context, ResourceDirectory directory, ConsoleStream console, [FromQuery] string[]? resource)
    {
        if (resource?.FirstOrDefault(id => !directory.Contains(id)) is { } unknown)
            return NoResource(unknown);
        var ids = Chosen(directory, resource);
        var lines = await console.SnapshotAsync(ids, context.RequestAborted);
        var text = new StringBuilder();
        foreach (var line in lines)
        {
            text.Append(DateTimeOffset.UnixEpoch.AddMilliseconds(line.Time).ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture)).Append(' ');
            if (ids.Count > 1)
                text.Append('[').Append(line.Resource).Append("] ");
            text.Append(line.Text).Append('\n');
        }
        return Results.File(Encoding.UTF8.GetBytes(text.ToString()), MediaTypeNames.Text.Plain, $"{(ids.Count == 1 ? ids[0] : "console")}.txt");
    }

    static List<string> Chosen(ResourceDirectory directory, string[]? ids) => ids is { Length: > 0 } ? [.. ids.Distinct()] : [.. directory.All().Select(r => (string)r["id"]!)];

    static IResult NoResource(string id) => Results.Problem(title: "Resource not found", detail: $"There is no resource '{id}'.", statusCode: StatusCodes.Status404NotFound);
}

using System.Net;
using System.Runtime.CompilerServices;
using System.Text.Json.Nodes;

namespace Aspire.Dashboard.Resources;

/// <summary>The app host's end of the dashboard: what resources there are, what they write, and commands for them.</summary>
sealed class ResourceServiceClient : IDisposable
{
    const string KeyHeader = "x-resource-service-api-key";

    readonly HttpClient _http;

    public ResourceServiceClient(DashboardOptions options)
    {
        var settings = options.ResourceServiceClient;
        _http = new(new SocketsHttpHandler { UseProxy = false }) { BaseAddress = settings.Url, Timeout = Timeout.InfiniteTimeSpan };
        if (settings.ApiKey is not null)
            _http.DefaultRequestHeaders.Add(KeyHeader, settings.ApiKey);
    }

    /// <summary>Every resource, then each change.</summary>
    public IAsyncEnumerable<JsonObject> WatchResourcesAsync(CancellationToken cancellationToken) => LinesAsync("resources", cancellationToken);

    /// <summary>What the resource has written, and with <paramref name="follow"/> each line as it comes.</summary>
    public IAsyncEnumerable<JsonObject> ConsoleAsync(string id, bool follow, CancellationToken cancellationToken) =>
        LinesAsync($"resources/{Uri.EscapeDataString(id)}/console?follow={(follow ? "true" : "false")}", cancellationToken);

    /// <returns>Null when there is no such value.</returns>
    public async Task<JsonNode?> RevealAsync(string id, string kind, string name, CancellationToken cancellationToken)
    {
        using var response = await _http.GetAsync(new Uri($"resources/{Uri.EscapeDataString(id)}/{kind}/{Uri.EscapeDataString(name)}", UriKind.Relative), cancellationToken);
        return response.StatusCode == HttpStatusCode.NotFound ? null : await ReadAsync(response, cancellationToken);
    }

    public async Task<JsonNode?> ExecuteAsync(string id, string command, CancellationToken cancellationToken)
    {
        using var response = await _http.PostAsync(new Uri($"resources/{Uri.EscapeDataString(id)}/commands/{Uri.EscapeDataString(command)}", UriKind.Relative), null, cancellationToken);
        return await ReadAsync(response, cancellationToken);
    }

    public void Dispose() => _http.Dispose();

    static async Task<JsonNode?> ReadAsync(HttpResponseMessage response, CancellationToken cancellationToken)
    {
        response.EnsureSuccessStatusCode();
        return await JsonNode.ParseAsync(await response.Content.ReadAsStreamAsync(cancellationToken), cancellationToken: cancellationToken);
    }

    async IAsyncEnumerable<JsonObject> LinesAsync(string path, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        using var response = await _http.GetAsync(new Uri(path, UriKind.Relative), HttpCompletionOption.ResponseHeadersRead, cancellationToken);
        response.EnsureSuccessStatusCode();
        using var reader = new StreamReader(await response.Content.ReadAsStreamAsync(cancellationToken));
        while (await reader.ReadLineAsync(cancellationToken) is { } line)
            yield return (JsonObject)JsonNode.Parse(line)!;
    }
}

/// <summary>Keeps the directory up to date.</summary>
sealed class ResourceWatcher(ResourceServiceClient client, ResourceDirectory directory, TimeProvider clock, ILogger<ResourceWatcher> log) : BackgroundService
{
    static readonly TimeSpan RetryInterval = TimeSpan.FromSeconds(1);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                directory.Clear();
                await foreach (var resource in client.WatchResourcesAsync(stoppingToken))
                    directory.Set(resource);
            }
            catch (Exception e) when (e is HttpRequestException or IOException)
            {
                ResourceLog.Lost(log, e.Message);
            }
            await Task.Delay(RetryInterval, clock, stoppingToken);
        }
    }
}

static partial class ResourceLog
{
    [LoggerMessage(1, LogLevel.Warning, "The app host does not answer: {Reason}")]
    public static partial void Lost(ILogger logger, string reason);
}

using Aspire.Hosting.ApplicationModel;
using Microsoft.Extensions.DependencyInjection;

namespace LocalAspire;

/// <summary>The request behind a command.</summary>
static class HttpCommand
{
    public static async Task<ExecuteCommandResult> SendAsync(ExecuteCommandContext context, EndpointReference endpoint, string path, HttpCommandOptions options)
    {
        if (!endpoint.IsAllocated)
            return CommandResults.Failure("Endpoints are not yet allocated.");

        using var client = context.Services.GetRequiredService<IHttpClientFactory>().CreateClient(options.HttpClientName ?? "");
        using var request = new HttpRequestMessage(options.Method ?? HttpMethod.Post, new Uri(new Uri(endpoint.Url), path));
        if (options.PrepareRequest is { } prepare)
        {
            await prepare(new()
            {
                Services = context.Services,
                ResourceName = context.ResourceName,
                Endpoint = endpoint,
                HttpClient = client,
                Request = request,
                CancellationToken = context.CancellationToken,
            });
        }

        using var response = await SendAsync(client, request, context.CancellationToken);
        if (options.GetCommandResult is { } read)
        {
            return await read(new()
            {
                Services = context.Services,
                ResourceName = context.ResourceName,
                Endpoint = endpoint,
                HttpClient = client,
                Response = response,
                CancellationToken = context.CancellationToken,
            });
        }
        return await ResultAsync(response, options.ResultMode, context.CancellationToken);
    }

    static Task<HttpResponseMessage> SendAsync(HttpClient client, HttpRequestMessage request, CancellationToken cancellationToken) =>
        client.SendAsync(request, cancellationToken);

    static async Task<ExecuteCommandResult> ResultAsync(HttpResponseMessage response, HttpCommandResultMode mode, CancellationToken cancellationToken)
    {
        var message = $"Request failed with status code {(int)response.StatusCode}";
        if (mode is HttpCommandResultMode.None)
            return response.IsSuccessStatusCode ? CommandResults.Success() : CommandResults.Failure(message);

        var isJson = response.Content.Headers.ContentType?.MediaType is { } type
            && (type.EndsWith("/json", StringComparison.OrdinalIgnoreCase) || type.EndsWith("+json", StringComparison.OrdinalIgnoreCase));
        var data = new CommandResultData
        {
            Value = await response.Content.ReadAsStringAsync(cancellationToken),
            Format = mode is HttpCommandResultMode.Json || (mode is HttpCommandResultMode.Auto && isJson) ? CommandResultFormat.Json : CommandResultFormat.Text,
        };
        return response.IsSuccessStatusCode
            ? new() { Success = true, Data = data }
            : CommandResults.Failure(message, data);
    }
}

using System.Net.Http.Json;
using System.Text.Json;
using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Testing;
using AspireJobs.Tests.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace AspireJobs.Tests.Dashboard;

/// <summary>The dashboard that an AppHost starts: it knows the resources, shows what they write and gives them commands.</summary>
public sealed class AppHostDashboardTests
{
    const string Secret = "value-of-the-secret-parameter";

    static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Resources_are_shown_with_state_and_without_secrets_and_obey()
    {
        await using var builder = Create(out var login);
        var secret = builder.AddParameter("api-secret", Secret, secret: true);
        builder.AddParameter("region", "north");
        builder.AddScript("talker", "echo '<b>plain</b>'; printf '\\033[31mred\\033[0m\\n'; echo trouble >&2; exec sleep 600")
            .WithEnvironment("PLAIN", "shown")
            .WithEnvironment("MIXED", $"prefix-{secret}")
            .WithEnvironment("SOME_TOKEN", "hidden by its name")
            .WithCommand("greet", "Greet", _ => Task.FromResult(CommandResults.Success()));
        await using var app = await builder.StartAsync();
        using var dashboard = await LogInAsync(await login);
        var id = await RunningAsync(dashboard, "talker");

        var talker = await ResourceAsync(dashboard, "talker");
        Assert.Equal(("Executable", "Running", "talker"), (Text(talker, "type"), Text(talker, "state"), Text(talker, "displayName")));
        Assert.Equal(["""{"name":"MIXED","value":null,"secret":true}""", """{"name":"PLAIN","value":"shown","secret":false}""", """{"name":"SOME_TOKEN","value":null,"secret":true}"""],
            talker.GetProperty("environment").EnumerateArray().Select(variable => variable.GetRawText()));
        var everything = await dashboard.GetStringAsync("/api/ui/resources", Stop);
        Assert.DoesNotContain(Secret, everything);
        Assert.Contains("north", everything);
        Assert.Equal($$"""{"value":"prefix-{{Secret}}"}""", await dashboard.GetStringAsync($"/api/ui/resources/{id}/environment/MIXED", Stop));
        Assert.Equal($$"""{"value":"{{Secret}}"}""", await dashboard.GetStringAsync("/api/ui/resources/api-secret/properties/Value", Stop));

        Assert.Equal(["greet", "stop", "restart"], talker.GetProperty("commands").EnumerateArray().Select(command => Text(command, "name")));
        Assert.True(await ExecuteAsync(dashboard, id, "greet"));
        Assert.True(await ExecuteAsync(dashboard, id, "stop"));
        Assert.Equal("Finished", Text(await ResourceAsync(dashboard, "talker", r => Text(r, "state") == "Finished"), "state"));
        Assert.False(await ExecuteAsync(dashboard, id, "stop"));
        Assert.True(await ExecuteAsync(dashboard, id, "start"));
        await RunningAsync(dashboard, "talker");
    }

    [Fact]
    public async Task What_a_resource_writes_is_shown_as_it_comes()
    {
        await using var builder = Create(out var login);
        var go = Path.Combine(Path.GetTempPath(), $"aspirejobs-test-{Guid.NewGuid():N}");
        builder.AddScript("talker", "echo '<b>plain</b>'; printf '\\033[31mred\\033[0m\\n'; echo trouble >&2; while [ ! -e \"$GO\" ]; do sleep 0.1; done; echo later; exec sleep 600")
            .WithEnvironment("GO", go);
        await using var app = await builder.StartAsync();
        using var dashboard = await LogInAsync(await login);
        var id = await RunningAsync(dashboard, "talker");
        using var response = await dashboard.GetAsync($"/api/ui/console?resource={id}", HttpCompletionOption.ResponseHeadersRead, Stop);
        using var lines = new StreamReader(await response.Content.ReadAsStreamAsync(Stop));

        var first = new HashSet<string?>();
        while (first.Count < 3)
            first.Add(await NextAsync(lines));
        Assert.Equal(["\u001b[31mred\u001b[0m False", "<b>plain</b> False", "trouble True"], first.Order(StringComparer.Ordinal));
        try
        {
            await File.WriteAllTextAsync(go, "", Stop);
            Assert.Equal("later False", await NextAsync(lines));
            Assert.Contains("<b>plain</b>\n", await dashboard.GetStringAsync($"/api/ui/console/download?resource={id}", Stop));
        }
        finally
        {
            File.Delete(go);
        }

        static async Task<string?> NextAsync(StreamReader lines)
        {
            var line = JsonSerializer.Deserialize<JsonElement>((await lines.ReadLineAsync(Stop))!);
            return $"{Text(line, "text")} {line.GetProperty("error").GetBoolean()}";
        }
    }

    [Fact]
    public async Task Telemetry_goes_to_the_dashboard_with_its_key()
    {
        await using var builder = Create(out var login);
        var probe = builder.AddScript("probe", "env | grep ^OTEL_EXPORTER; exec sleep 600").WithOtlpExporter();
        await using var app = await builder.StartAsync();
        using var dashboard = await LogInAsync(await login);
        var id = await RunningAsync(dashboard, "probe");

        var variables = app.Snapshot(id).EnvironmentVariables.ToDictionary(variable => variable.Name, variable => variable.Value!);
        using var http = new HttpClient();
        var url = (await dashboard.GetFromJsonAsync<JsonElement>("/api/ui/info", Stop)).GetProperty("otlpHttpUrl").GetString();
        foreach (var (key, expected) in new[] { ("guess", 401), (variables["OTEL_EXPORTER_OTLP_HEADERS"].Split('=')[1], 200) })
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, $"{url}/v1/traces") { Content = JsonContent.Create(Otlp.Spans("probe", Otlp.Span(1, 1, 0, "x", 0, 1))), Headers = { { "x-otlp-api-key", key } } };
            using var response = await http.SendAsync(request, Stop);
            Assert.Equal(expected, (int)response.StatusCode);
        }
        Assert.Equal(1, (await dashboard.GetFromJsonAsync<JsonElement>("/api/ui/traces", Stop)).GetProperty("total").GetInt32());
    }

    static IDistributedApplicationTestingBuilder Create(out Task<string> login)
    {
        var lines = new LoginLine();
        var builder = DistributedApplicationTestingBuilder.Create([], (options, _) => (options.DisableDashboard, options.AssemblyName) = (false, "AppHost"));
        builder.Services.AddLogging(logging => logging.ClearProviders().AddProvider(lines));
        login = lines.Url;
        return builder;
    }

    static async Task<HttpClient> LogInAsync(string url)
    {
        var dashboard = new HttpClient { BaseAddress = new(url) };
        (await dashboard.GetAsync(new Uri(url), Stop)).EnsureSuccessStatusCode();
        return dashboard;
    }

    static async Task<string> RunningAsync(HttpClient dashboard, string name) => Text(await ResourceAsync(dashboard, name, r => Text(r, "state") == "Running"), "id")!;

    /// <summary>The resource, once it is as wanted; asked for again at every change.</summary>
    static async Task<JsonElement> ResourceAsync(HttpClient dashboard, string name, Func<JsonElement, bool>? isReady = null)
    {
        using var response = await dashboard.GetAsync("/api/ui/changes", HttpCompletionOption.ResponseHeadersRead, Stop);
        using var changes = new StreamReader(await response.Content.ReadAsStreamAsync(Stop));
        while (await changes.ReadLineAsync(Stop) is not null)
        {
            var resources = (await dashboard.GetFromJsonAsync<JsonElement>("/api/ui/resources", Stop)).GetProperty("resources").EnumerateArray();
            foreach (var resource in resources.Where(resource => Text(resource, "name") == name && isReady?.Invoke(resource) != false))
                return resource;
        }
        throw new InvalidOperationException("The dashboard ended.");
    }

    static async Task<bool> ExecuteAsync(HttpClient dashboard, string id, string command)
    {
        using var response = await dashboard.PostAsync($"/api/ui/resources/{id}/commands/{command}", null, Stop);
        return (await response.Content.ReadFromJsonAsync<JsonElement>(Stop)).GetProperty("success").GetBoolean();
    }

    static string? Text(JsonElement json, string property) => json.GetProperty(property).GetString();
}

using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json;
using Aspire.Hosting;
using Aspire.Hosting.Testing;
using AspireJobs.Jobs;
using AspireJobs.Tests.Infrastructure;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Playwright;

namespace AspireJobs.Tests.Dashboard;

/// <summary>The whole system with its dashboard, a demo job that has run through it, and a browser.</summary>
public sealed class BrowsedSystem : IAsyncLifetime
{
    const string Key = "aj_admin-key-of-the-browser-test";

    DistributedApplication _app = null!;
    Chromium _chromium = null!;
    HttpClient _api = null!, _dashboard = null!;
    string _login = null!;

    public Job Job { get; private set; } = null!;

    internal IReadOnlyCollection<string> Faults => _chromium.Faults;

    static CancellationToken Stop => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        var lines = new LoginLine();
        var builder = await DistributedApplicationTestingBuilder.CreateAsync<Projects.AppHost>([$"--Parameters:admin-api-key={Key}", "--ASPIRE_DASHBOARD_OTLP_ENDPOINT_URL="], (options, _) => options.DisableDashboard = false, Stop);
        builder.Services.AddLogging(logging => logging.ClearProviders().AddProvider(lines));
        _app = await builder.BuildAsync(Stop);
        await _app.StartAsync(Stop);
        foreach (var resource in new[] { "api", "worker", "webhooks" })
            await _app.ResourceNotifications.WaitForResourceHealthyAsync(resource, Stop);
        _login = await lines.Url;
        _dashboard = new() { BaseAddress = new(_login) };
        (await _dashboard.GetAsync(new Uri(_login), Stop)).EnsureSuccessStatusCode();
        // Without a trace of this process, which sends the dashboard no spans: it would take the trace for unfinished while it waits for them.
        _api = new(new SocketsHttpHandler { ActivityHeadersPropagator = null }) { BaseAddress = _app.GetEndpoint("api") };
        _api.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", Key);
        _chromium = await Chromium.StartAsync();

        await using var receiver = await CallbackReceiver.StartAsync();
        var submitted = await SubmitAsync(receiver.Url);
        await _api.GetStringAsync($"/api/v1/jobs/{submitted.Id}/logs?follow=true", Stop);
        await receiver.NextAsync();
        Job = (await _api.GetFromJsonAsync($"/api/v1/jobs/{submitted.Id}", JobsJson.Default.Job, Stop))!;
    }

    public Task<Job> SubmitAsync(string? callbackUrl = null) =>
        SubmitAsync(new { source = new { type = "local" }, playbook = "hello.yml", extra_vars = new { who = new[] { "Ada", "Grace" } }, callback_url = callbackUrl });

    public Task<Job> SubmitPlaybookAsync(string content) => SubmitAsync(new { source = new { type = "inline", content } });

    async Task<Job> SubmitAsync(object submission)
    {
        using var accepted = await _api.PostAsJsonAsync("/api/v1/jobs", submission, Stop);
        Assert.True(accepted.IsSuccessStatusCode, await accepted.Content.ReadAsStringAsync(Stop));
        return (await accepted.Content.ReadFromJsonAsync(JobsJson.Default.Job, Stop))!;
    }

    /// <summary>A page of the dashboard, logged in.</summary>
    public async Task<IPage> OpenAsync(string path, ColorScheme scheme = ColorScheme.Light)
    {
        var page = await _chromium.OpenAsync(_login, scheme);
        await page.GotoAsync(new Uri(new Uri(_login), path).ToString());
        return page;
    }

    /// <summary>What the dashboard's own API answers, once it is as wanted; asked for again at every change.</summary>
    public async Task<JsonElement> WaitAsync(string path, Func<JsonElement, bool> isReady)
    {
        using var response = await _dashboard.GetAsync("/api/ui/changes", HttpCompletionOption.ResponseHeadersRead, Stop);
        using var changes = new StreamReader(await response.Content.ReadAsStreamAsync(Stop));
        while (await changes.ReadLineAsync(Stop) is not null)
        {
            var answer = await _dashboard.GetFromJsonAsync<JsonElement>(path, Stop);
            if (isReady(answer))
                return answer;
        }
        throw new InvalidOperationException("The dashboard ended.");
    }

    public async ValueTask DisposeAsync()
    {
        if (_chromium is not null)
            await _chromium.DisposeAsync();
        _api?.Dispose();
        _dashboard?.Dispose();
        if (_app is not null)
            await _app.DisposeAsync();
    }
}

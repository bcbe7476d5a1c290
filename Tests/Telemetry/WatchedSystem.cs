using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text;
using AspireJobs.Jobs;
using AspireJobs.Tests.Infrastructure;

namespace AspireJobs.Tests.Telemetry;

/// <summary>Tests that share one system under watch, one after the other, so that what they count is their own.</summary>
[CollectionDefinition(Name)]
public sealed class Watched : ICollectionFixture<WatchedSystem>
{
    public const string Name = "watched system";
}

/// <summary>API, worker and webhook sender, each a process of its own as in production, exporting to a collector.</summary>
public sealed class WatchedSystem(Stores stores) : IAsyncLifetime
{
    readonly List<IDisposable> _processes = [];
    StoreLease? _lease;

    internal OtlpReceiver Collector { get; private set; } = null!;

    internal ServiceProcess Api { get; private set; } = null!;

    internal ServiceProcess Worker { get; private set; } = null!;

    internal ServiceProcess Webhooks { get; private set; } = null!;

    internal IEnumerable<ServiceProcess> Services => [Api, Worker, Webhooks];

    // Other tests run services in this process, whose tracing would make every request from here part of a trace.
    public HttpClient Client { get; } = new(new SocketsHttpHandler
    {
        ActivityHeadersPropagator = null,
        RequestHeaderEncodingSelector = (_, _) => Encoding.Latin1,
    })
    {
        DefaultRequestHeaders = { Authorization = new AuthenticationHeaderValue("Bearer", Stores.AdminKey) },
    };

    // As Prometheus comes: without a key.
    readonly HttpClient _scraper = new();

    public string Postgres => _lease!.Postgres;

    public async ValueTask InitializeAsync()
    {
        _lease = await stores.LeaseAsync();
        Collector = await OtlpReceiver.StartAsync();
        var started = await Task.WhenAll(StartAsync("Api"), StartAsync("Worker"), StartAsync("Webhooks"));
        (Api, Worker, Webhooks) = (started[0], started[1], started[2]);
        Client.BaseAddress = Api.Address;
    }

    /// <summary>Stores of its own, for a test that takes them away.</summary>
    public Task<StoreLease> LeaseStoresAsync() => stores.LeaseAsync();

    /// <summary>Submits a job and waits for its end.</summary>
    public async Task<Job> RunAsync(object request) => await WaitAsync(await SubmitAsync(request));

    public async Task<JobId> SubmitAsync(object request)
    {
        using var accepted = await Client.PostAsJsonAsync("/api/v1/jobs", request, TestContext.Current.CancellationToken);
        Assert.True(accepted.IsSuccessStatusCode, await accepted.Content.ReadAsStringAsync());
        return (await accepted.Content.ReadFromJsonAsync(JobsJson.Default.Job))!.Id;
    }

    public async Task<Job> WaitAsync(JobId id)
    {
        await Client.GetStringAsync($"/api/v1/jobs/{id}/logs?follow=true", TestContext.Current.CancellationToken);
        return (await Client.GetFromJsonAsync($"/api/v1/jobs/{id}", JobsJson.Default.Job))!;
    }

    public async Task<MetricsPage> MetricsAsync(Uri service, string? accept = null)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(service, "/metrics"));
        if (accept is not null)
            request.Headers.TryAddWithoutValidation("Accept", accept);
        using var response = await _scraper.SendAsync(request, TestContext.Current.CancellationToken);
        Assert.True(response.IsSuccessStatusCode, $"{response.StatusCode}");
        return new(await response.Content.ReadAsStringAsync());
    }

    /// <summary>The first page that fits: a measurement follows what it measures, and a page stays the same for a third of a second.</summary>
    public async Task<MetricsPage> MetricsAsync(Uri service, Func<MetricsPage, bool> fits, string? accept = null)
    {
        while (true)
        {
            if (await MetricsAsync(service, accept) is var page && fits(page))
                return page;
            await Task.Delay(TimeSpan.FromMilliseconds(100), TimeProvider.System, TestContext.Current.CancellationToken);
        }
    }

    public async ValueTask DisposeAsync()
    {
        Client.Dispose();
        _scraper.Dispose();
        foreach (var process in _processes)
            process.Dispose();
        if (Collector is not null)
            await Collector.DisposeAsync();
        if (_lease is not null)
            await _lease.DisposeAsync();
    }

    async Task<ServiceProcess> StartAsync(string program)
    {
        var process = await ServiceProcess.StartAsync(program, SettingsOf(program));
        lock (_processes)
            _processes.Add(process);
        return process;
    }

    public Dictionary<string, string> SettingsOf(string program) => new()
    {
        ["ConnectionStrings:jobsdb"] = _lease!.Postgres,
        ["ConnectionStrings:redis"] = _lease.Redis,
        ["Credentials:MasterKey"] = "master-key-of-the-tests-0123456789abcdef",
        ["Worker:Slots"] = "2",
        ["Webhooks:AllowedNetworks:0"] = "127.0.0.0/8",
        ["OTEL_EXPORTER_OTLP_ENDPOINT"] = Collector.Url,
        ["OTEL_EXPORTER_OTLP_PROTOCOL"] = "http/protobuf",
        // The collector shares its process with all tests that run beside it, and what comes too late is lost.
        ["OTEL_EXPORTER_OTLP_TIMEOUT"] = "30000",
        ["OTEL_BSP_SCHEDULE_DELAY"] = "100",
        ["OTEL_BLRP_SCHEDULE_DELAY"] = "100",
        ["OTEL_METRIC_EXPORT_INTERVAL"] = "1000",
    };
}

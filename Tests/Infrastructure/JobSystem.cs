using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json;
using AspireJobs.Jobs;
using AspireJobs.Jobs.Credentials;
using AspireJobs.Webhooks;
using AspireJobs.Worker;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Mvc.Testing;
using Microsoft.AspNetCore.TestHost;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;
using StackExchange.Redis;

namespace AspireJobs.Tests.Infrastructure;

/// <summary>API, worker and webhook sender in this process, on real sockets and real stores.</summary>
public sealed class JobSystem : IAsyncDisposable
{
    readonly StoreLease _stores;
    readonly List<IAsyncDisposable> _services = [];

    readonly Dictionary<string, string> _changes;

    JobSystem(StoreLease stores, Dictionary<string, string> changes) => (_stores, _changes) = (stores, changes);

    public HttpClient Client { get; private set; } = null!;

    public IServiceProvider ApiServices { get; private set; } = null!;

    public MasterKey MasterKey => ApiServices.GetRequiredService<MasterKey>();

    public string Postgres => _stores.Postgres;

    public string Redis => _stores.Redis;

    public Dictionary<string, string> Settings => new()
    {
        ["ConnectionStrings:jobsdb"] = Postgres,
        ["ConnectionStrings:redis"] = Redis,
        ["Credentials:MasterKey"] = "master-key-of-the-tests-0123456789abcdef",
        ["Worker:Slots"] = "3",
        ["Worker:DrainTimeout"] = "00:00:00",
        ["Worker:LocalSourceRoot"] = Repository.Path("samples"),
        ["Webhooks:AllowedNetworks:0"] = "127.0.0.0/8",
        ["Webhooks:AllowedNetworks:1"] = "::1/128",
    };

    public static async Task<JobSystem> StartAsync(
        Stores stores, bool worker = true, bool webhooks = true, Dictionary<string, string>? settings = null, TimeProvider? workerClock = null)
    {
        var system = new JobSystem(await stores.LeaseAsync(), settings ?? []);
        (system.Client, system.ApiServices) = system.Start<AspireJobs.Api.Http.BodyFilter>();
        system.Client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", Stores.AdminKey);
        // The number of the Redis database was somebody else's before. A service starts without Redis, so on a busy machine it may not be connected yet.
        var redis = system.ApiServices.GetRequiredService<IConnectionMultiplexer>();
        await Poll.UntilAsync(() => Task.FromResult(redis.IsConnected));
        await redis.GetDatabase().ExecuteAsync("FLUSHDB");
        if (worker)
            (system.WorkerClient, system.WorkerServices) = system.Start<WorkerOptions>(workerClock);
        if (webhooks)
            (system.WebhooksClient, _) = system.Start<WebhooksOptions>();
        return system;
    }

    public HttpClient? WorkerClient { get; private set; }

    public IServiceProvider? WorkerServices { get; private set; }

    public HttpClient? WebhooksClient { get; private set; }

    /// <summary>Starts another worker.</summary>
    public void AddWorker() => Start<WorkerOptions>();

    (HttpClient, IServiceProvider) Start<TInAssembly>(TimeProvider? clock = null) where TInAssembly : class
    {
        var settings = Settings;
        foreach (var (name, value) in _changes)
            settings[name] = value;
        var factory = new Service<TInAssembly>(settings, clock ?? TimeProvider.System);
        factory.UseKestrel();
        _services.Add(factory);
        return (factory.CreateClient(), factory.Services);
    }

    /// <summary>Submits a job and returns its answer as it came.</summary>
    public Task<HttpResponseMessage> PostJobAsync(object request) => Client.PostAsJsonAsync("/api/v1/jobs", request);

    /// <summary>Submits a job that must be accepted.</summary>
    public async Task<JobId> SubmitAsync(object request, HttpClient? caller = null)
    {
        using var response = await (caller ?? Client).PostAsJsonAsync("/api/v1/jobs", request);
        Assert.True(response.IsSuccessStatusCode, await response.Content.ReadAsStringAsync());
        return (await response.Content.ReadFromJsonAsync(JobsJson.Default.Job))!.Id;
    }

    public async Task<Job> GetAsync(JobId id) => (await Client.GetFromJsonAsync($"/api/v1/jobs/{id}", JobsJson.Default.Job))!;

    /// <summary>Follows the log to its end, which comes with the final state.</summary>
    public async Task<(Job Job, string Log)> WaitAsync(JobId id)
    {
        var log = await Client.GetStringAsync($"/api/v1/jobs/{id}/logs?follow=true", TestContext.Current.CancellationToken);
        return (await GetAsync(id), log);
    }

    /// <summary>Submits a playbook's text and waits for its end.</summary>
    public async Task<(Job Job, string Log)> RunAsync(string playbook) =>
        await WaitAsync(await SubmitAsync(new { source = new { type = "inline", content = playbook } }));

    /// <summary>Follows the log until it contains a text, with the job still running.</summary>
    public async Task WaitForLogAsync(JobId id, string text)
    {
        using var reader = new StreamReader(await Client.GetStreamAsync($"/api/v1/jobs/{id}/logs?follow=true", TestContext.Current.CancellationToken));
        while (await reader.ReadLineAsync(TestContext.Current.CancellationToken) is { } line)
            if (line.Contains(text, StringComparison.Ordinal))
                return;
        Assert.Fail($"The job ended without '{text}' in its log.");
    }

    /// <summary>Asks for a rerun and returns its answer as it came.</summary>
    public Task<HttpResponseMessage> PostRerunAsync(JobId id, object? how = null) =>
        Client.PostAsync($"/api/v1/jobs/{id}/rerun", how is null ? null : JsonContent.Create(how), TestContext.Current.CancellationToken);

    /// <summary>Reruns a job, which must be accepted, and waits for the end of the new one.</summary>
    public async Task<(Job Job, string Log)> RerunAsync(JobId id, object? how = null)
    {
        using var response = await PostRerunAsync(id, how);
        Assert.True(response.IsSuccessStatusCode, await response.Content.ReadAsStringAsync());
        return await WaitAsync((await response.Content.ReadFromJsonAsync(JobsJson.Default.Job))!.Id);
    }

    /// <summary>Submits a playbook that does next to nothing and waits for its success: a job of another queue than the one under test shows that workers are free.</summary>
    public async Task<Job> RunShortAsync(HttpClient? caller = null)
    {
        var (job, log) = await WaitAsync(await SubmitAsync(new { source = ShortSource }, caller));
        Assert.True(job.Outcome == JobOutcome.Success, log);
        return job;
    }

    public static object ShortSource => new { type = "inline", content = "- hosts: localhost\n  gather_facts: false\n  tasks:\n    - debug: {msg: short}\n" };

    /// <summary>A client of a key just made.</summary>
    public async Task<HttpClient> MakeCallerAsync(string name, int? maxRunning = null)
    {
        using var made = await Client.PostAsJsonAsync("/api/v1/api-keys", new { name, max_running = maxRunning });
        Assert.True(made.IsSuccessStatusCode, await made.Content.ReadAsStringAsync());
        var key = (await made.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("key").GetString();
        return new HttpClient { BaseAddress = Client.BaseAddress, DefaultRequestHeaders = { Authorization = new AuthenticationHeaderValue("Bearer", key) } };
    }

    /// <summary>Changes rows behind the services' back.</summary>
    public async Task ExecuteAsync(string sql)
    {
        await using var command = ApiServices.GetRequiredService<NpgsqlDataSource>().CreateCommand(sql);
        await command.ExecuteNonQueryAsync(TestContext.Current.CancellationToken);
    }

    public async Task<JsonElement> EventsAsync(JobId id) =>
        (await Client.GetFromJsonAsync<JsonElement>($"/api/v1/jobs/{id}/events?limit=1000")).GetProperty("items");

    public async ValueTask DisposeAsync()
    {
        _services.Reverse();
        foreach (var service in _services)
            await service.DisposeAsync();
        await _stores.DisposeAsync();
    }

    sealed class Service<TInAssembly>(IReadOnlyDictionary<string, string> settings, TimeProvider clock) : WebApplicationFactory<TInAssembly> where TInAssembly : class
    {
        protected override void ConfigureWebHost(IWebHostBuilder builder)
        {
            // Not by UseKestrel(port): that sets the address when the server may have started already.
            builder.UseSetting("urls", "http://127.0.0.1:0");
            builder.UseEnvironment("Production");
            builder.UseSetting("Logging:LogLevel:Default", "Error");
            builder.UseSetting("Logging:LogLevel:Microsoft.Hosting.Lifetime", "Error");
            foreach (var (name, value) in settings)
                builder.UseSetting(name, value);
            builder.ConfigureTestServices(services => services.AddSingleton(clock));
        }
    }
}

/// <summary>A system without worker and sender, for one class of tests.</summary>
public sealed class ApiAlone(Stores stores) : IAsyncLifetime
{
    public JobSystem System { get; private set; } = null!;

    public async ValueTask InitializeAsync() => System = await JobSystem.StartAsync(stores, worker: false, webhooks: false);

    public ValueTask DisposeAsync() => System.DisposeAsync();
}

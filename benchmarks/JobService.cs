using System.Diagnostics;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Net.Sockets;
using System.Text.Json;
using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Testing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace AspireJobs.Benchmarks;

/// <summary>The whole system: its own processes, all but the API started by the AppHost's own code, on fresh stores that go away with it.</summary>
sealed class JobService : IAsyncDisposable
{
    public const string JobsPath = "/api/v1/jobs";

    const string Key = "aj_admin-key-of-the-benchmarks";
    const string MasterKey = "master-key-of-the-benchmarks-which-is-as-long-as-it-must-be-0000";

    readonly DistributedApplication _app;
    readonly OtlpSink _sink;
    ServiceProcess? _api;

    JobService(DistributedApplication app, OtlpSink sink, string appHostDirectory, string database)
    {
        _app = app;
        _sink = sink;
        Table = new JobTable(database);
        Root = Path.GetFullPath(Path.Combine(appHostDirectory, ".."));
        NoopWorkerProgram = ProgramOf(Path.Combine(Root, "benchmarks", "NoopWorker", "NoopWorker.csproj"));
        Jobs = FreeAddress();
        ApiProgram = ProgramOf(new Projects.Api().ProjectPath);
        Client = new HttpClient { BaseAddress = Jobs, Timeout = Timeout.InfiniteTimeSpan, DefaultRequestHeaders = { Authorization = Authorization } };
    }

    public static AuthenticationHeaderValue Authorization { get; } = new("Bearer", Key);

    /// <summary>Directory of the solution.</summary>
    public string Root { get; }

    /// <summary>Directory of the sample playbooks, which is also the root of sources of type local.</summary>
    public string Samples => Path.Combine(Root, "samples");

    /// <summary>Where jobs are posted to.</summary>
    public Uri Jobs { get; }

    /// <summary>The API's executable.</summary>
    public string ApiProgram { get; }

    /// <summary>The executable of the worker whose playbooks take no time.</summary>
    public string NoopWorkerProgram { get; }

    public HttpClient Client { get; }

    /// <summary>What is stored, past the API.</summary>
    public JobTable Table { get; }

    /// <summary>Starts the system and waits until all of it is healthy.</summary>
    /// <param name="workers">False leaves the workers out, so that jobs wait and nothing but the submission takes time.</param>
    /// <param name="stop">Ends the wait.</param>
    /// <param name="environment">Variables of all services, which win over those that the AppHost gives them; null: logs, metrics and traces go to a collector in this process.</param>
    public static async Task<JobService> StartAsync(bool workers, CancellationToken stop, IReadOnlyDictionary<string, string>? environment = null)
    {
        var builder = await DistributedApplicationTestingBuilder.CreateAsync<Projects.AppHost>([$"--Parameters:admin-api-key={Key}", $"--Parameters:credential-master-key={MasterKey}"], stop);
        builder.Services.AddLogging(logging => logging.ClearProviders());
        var sink = await OtlpSink.StartAsync(stop);
        // The AppHost's proxy before it and the reader of its log lines belong to development, and would be measured with it.
        builder.Resources.Remove(Resource(builder.Resources, "api"));
        if (!workers)
            builder.Resources.Remove(Resource(builder.Resources, "worker"));
        foreach (var project in builder.Resources.OfType<ProjectResource>())
            foreach (var (name, value) in environment ?? sink.Settings)
                project.Annotations.Add(new EnvironmentCallbackAnnotation(name, () => value));

        var app = await builder.BuildAsync(stop);
        await app.StartAsync(stop);
        foreach (var name in workers ? new[] { "webhooks", "worker" } : ["webhooks"])
            await app.ResourceNotifications.WaitForResourceHealthyAsync(name, stop);
        var service = new JobService(app, sink, builder.AppHostDirectory, (await app.GetConnectionStringAsync("jobsdb", stop))!);
        var settings = (environment ?? sink.Settings).Select(setting => (setting.Key, setting.Value));
        service._api = await ServiceProcess.StartApiAsync(service, service.Jobs, settings, () => service.Client.GetStringAsync("/health", stop), stop);
        return service;
    }

    /// <summary>Submits a job and waits for its end. Returns its final state and the milliseconds from the request to the end of its log, which comes with that state.</summary>
    public async Task<(JsonElement Job, double Milliseconds)> RunAsync(object request, CancellationToken stop)
    {
        var start = Stopwatch.GetTimestamp();
        using var accepted = await Client.PostAsJsonAsync(Jobs, request, stop);
        var job = await JsonAsync(accepted, stop);
        var uri = new Uri($"{Jobs}/{job.GetProperty("id").GetString()}");
        await Client.GetByteArrayAsync($"{uri}/logs?follow=true", stop);
        var elapsed = Stopwatch.GetElapsedTime(start).TotalMilliseconds;
        return (await Client.GetFromJsonAsync<JsonElement>(uri, stop), elapsed);
    }

    /// <summary>
    /// Submits jobs at once and returns how many a second became final, by the database's clock. They end as soon as they have started, with no
    /// program run, if the workers allow no sources of type local: what is measured is the service and nothing else.
    /// </summary>
    public async Task<double> DrainAsync(int count, CancellationToken stop)
    {
        var request = new { source = new { type = "local" }, playbook = "missing.yml", labels = new { burst = Guid.NewGuid().ToString() } };
        await Parallel.ForAsync(0, count, new ParallelOptions { MaxDegreeOfParallelism = 16, CancellationToken = stop }, async (_, token) =>
        {
            using var accepted = await Client.PostAsJsonAsync(Jobs, request, token);
            await JsonAsync(accepted, token);
        });
        while (true)
        {
            var (ended, seconds) = await Table.EndedAsync(request.labels.burst, stop);
            if (ended == count)
                return count / seconds;
            await Task.Delay(TimeSpan.FromMilliseconds(200), TimeProvider.System, stop);
        }
    }

    /// <summary>What a process needs to be one of this system's services.</summary>
    public async Task<IEnumerable<(string Name, string Value)>> SettingsAsync(CancellationToken stop) =>
    [
        ("ConnectionStrings__jobsdb", (await _app.GetConnectionStringAsync("jobsdb", stop))!),
        ("ConnectionStrings__redis", (await _app.GetConnectionStringAsync("redis", stop))!),
        ("Credentials__MasterKey", MasterKey),
        .. _sink.Settings.Select(setting => (setting.Key, setting.Value)),
    ];

    /// <summary>Asks for a page of a list and returns how many entries it has.</summary>
    public async Task<int> PageAsync(string uri, CancellationToken stop) =>
        (await Client.GetFromJsonAsync<JsonElement>(uri, stop)).GetProperty("items").GetArrayLength();

    public async ValueTask DisposeAsync()
    {
        Client.Dispose();
        await Table.DisposeAsync();
        if (_api is not null)
            await _api.DisposeAsync();
        await _app.DisposeAsync();
        await _sink.DisposeAsync();
    }

    /// <summary>Where another API can listen for jobs: on a port that nobody has.</summary>
    public static Uri FreeAddress()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return new Uri($"http://{listener.LocalEndpoint}{JobsPath}");
    }

    // Where the build that made this program put it.
    static string ProgramOf(string projectFile) => Path.Combine(
        Path.GetDirectoryName(projectFile)!, "bin", Path.GetRelativePath(Path.Combine(AppContext.BaseDirectory, "..", ".."), AppContext.BaseDirectory), Path.GetFileNameWithoutExtension(projectFile));

    static IResource Resource(IEnumerable<IResource> resources, string name) => resources.Single(resource => resource.Name == name);

    static async Task<JsonElement> JsonAsync(HttpResponseMessage response, CancellationToken stop) => response.StatusCode == HttpStatusCode.Accepted
        ? await response.Content.ReadFromJsonAsync<JsonElement>(stop)
        : throw new InvalidOperationException($"{(int)response.StatusCode}: {await response.Content.ReadAsStringAsync(stop)}");
}

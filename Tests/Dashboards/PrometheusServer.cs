using System.Diagnostics;
using System.Net;
using System.Net.Http.Json;
using System.Net.Sockets;
using System.Text.Json;
using System.Text.RegularExpressions;
using AspireJobs.Tests.Infrastructure;

namespace AspireJobs.Tests.Dashboards;

/// <summary>A Prometheus that scrapes a running system every second, with the rules of this repository.</summary>
sealed partial class PrometheusServer : IDisposable
{
    readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("aspirejobs-prometheus-");
    readonly Process _process;
    readonly HttpClient _client;

    PrometheusServer(Uri api, string? patience)
    {
        var address = $"127.0.0.1:{FreePort()}";
        _client = new HttpClient { BaseAddress = new Uri($"http://{address}") };
        var alerts = Path.Combine(_directory.FullName, "alerts.yml");
        var rules = File.ReadAllText(Repository.Path("dashboards/prometheus/alerts.yml"));
        File.WriteAllText(alerts, patience is null ? rules : Patience().Replace(rules, $"for: {patience}"));
        var configuration = Path.Combine(_directory.FullName, "prometheus.yml");
        File.WriteAllText(configuration, File.ReadAllText(Repository.Path("dashboards/prometheus/prometheus.yml"))
            .Replace("http://localhost:8080/", api.ToString(), StringComparison.Ordinal)
            .Replace("refresh_interval: 10s", "refresh_interval: 1s", StringComparison.Ordinal)
            .Replace("_interval: 15s", "_interval: 1s", StringComparison.Ordinal)
            .Replace("_interval: 5s", "_interval: 1s", StringComparison.Ordinal)
            .Replace("- recording.yml", $"- {Repository.Path("dashboards/prometheus/recording.yml")}", StringComparison.Ordinal)
            .Replace("- alerts.yml", $"- {alerts}", StringComparison.Ordinal));
        _process = Process.Start(new ProcessStartInfo("prometheus",
            [$"--config.file={configuration}", $"--storage.tsdb.path={_directory.FullName}/data", $"--web.listen-address={address}", "--enable-feature=exemplar-storage", "--log.level=error"])
        {
            RedirectStandardError = true,
        })!;
        _process.ErrorDataReceived += (_, _) => { };
        _process.BeginErrorReadLine();
    }

    static CancellationToken Stop => TestContext.Current.CancellationToken;

    /// <summary>Starts one and waits until it sees that many processes. With <paramref name="patience"/> every alert waits that long before it fires.</summary>
    public static async Task<PrometheusServer> StartAsync(Uri api, int targets, string? patience = null)
    {
        var server = new PrometheusServer(api, patience);
        while (await server.TryQueryAsync("count(up == 1)") is not { } up || !up.Contains(targets))
            await PauseAsync();
        return server;
    }

    /// <summary>Waits until an instant query gives a number; fails the test after half a minute.</summary>
    public Task QueryAsync(string expression, string what) => UntilAsync(expression, double.IsFinite, what, TimeSpan.FromSeconds(30));

    /// <summary>Waits until a value of an instant query fits; fails the test after two minutes.</summary>
    public Task UntilAsync(string expression, Func<double, bool> fits) => UntilAsync(expression, fits, "what was waited for", TimeSpan.FromMinutes(2));

    async Task UntilAsync(string expression, Func<double, bool> fits, string what, TimeSpan longest)
    {
        IReadOnlyList<double>? values = null;
        for (var start = TimeProvider.System.GetTimestamp(); TimeProvider.System.GetElapsedTime(start) < longest; await PauseAsync())
            if ((values = await TryQueryAsync(expression))?.Any(fits) == true)
                return;
        Assert.Fail($"{what} has no data: {expression} gives {string.Join(", ", values ?? [])}");
    }

    /// <summary>An answer of its HTTP API.</summary>
    public async Task<JsonElement> GetAsync(string path) => (await _client.GetFromJsonAsync<JsonElement>(path, Stop)).GetProperty("data");

    public void Dispose()
    {
        _process.Kill();
        _process.WaitForExit();
        _process.Dispose();
        _client.Dispose();
        _directory.Delete(recursive: true);
    }

    /// <summary>Null while the server does not answer.</summary>
    async Task<IReadOnlyList<double>?> TryQueryAsync(string expression)
    {
        Assert.False(_process.HasExited, "prometheus has ended");
        try
        {
            var answer = await GetAsync($"/api/v1/query?query={Uri.EscapeDataString(expression)}");
            return [.. answer.GetProperty("result").EnumerateArray().Select(sample => Number(sample.GetProperty("value")[1].GetString()!))];
        }
        catch (HttpRequestException)
        {
            return null;
        }
    }

    static double Number(string text) => text switch
    {
        "+Inf" => double.PositiveInfinity,
        "-Inf" => double.NegativeInfinity,
        _ => double.Parse(text, System.Globalization.CultureInfo.InvariantCulture),
    };

    static Task PauseAsync() => Task.Delay(TimeSpan.FromMilliseconds(250), TimeProvider.System, Stop);

    [GeneratedRegex(@"\bfor: \w+")]
    private static partial Regex Patience();

    static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}

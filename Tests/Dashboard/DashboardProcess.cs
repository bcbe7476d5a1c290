using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net;
using System.Reflection;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace AspireJobs.Tests.Dashboard;

/// <summary>The dashboard as a process of its own, on free ports.</summary>
sealed partial class DashboardProcess : IAsyncDisposable
{
    public const string Token = "token-of-the-dashboard-test";

    readonly Process _process;
    readonly ConcurrentQueue<string> _lines = new();
    readonly Task _reading;

    DashboardProcess(Process process)
    {
        _process = process;
        _reading = Task.WhenAll(ReadAsync(process.StandardOutput), ReadAsync(process.StandardError));
        Listening = new(TaskCreationOptions.RunContinuationsAsynchronously);
        Browser = Anonymous = null!;
    }

    /// <summary>Everything that it has written.</summary>
    public string Output => string.Join('\n', _lines);

    public string Url { get; private set; } = "";

    public string GrpcUrl { get; private set; } = "";

    public string OtlpUrl { get; private set; } = "";

    public int Id => _process.Id;

    /// <summary>Logged in.</summary>
    public HttpClient Browser { get; private set; }

    /// <summary>Without a cookie; follows no redirect.</summary>
    public HttpClient Anonymous { get; private set; }

    TaskCompletionSource Listening { get; }

    static CancellationToken Stop => TestContext.Current.CancellationToken;

    public static async Task<DashboardProcess> StartAsync(params (string Name, string Value)[] settings)
    {
        var dashboard = new DashboardProcess(Launch(settings));
        await Task.WhenAny(dashboard.Listening.Task, dashboard._reading).WaitAsync(Stop);
        Assert.True(dashboard.Listening.Task.IsCompleted, $"The dashboard ended:\n{dashboard.Output}");
        dashboard.Url = dashboard.Address("Now listening on");
        dashboard.GrpcUrl = dashboard.Address("OTLP/gRPC listening on");
        dashboard.OtlpUrl = dashboard.Address("OTLP/HTTP listening on");
        dashboard.Anonymous = new(new SocketsHttpHandler { AllowAutoRedirect = false, UseCookies = false }) { BaseAddress = new(dashboard.Url) };
        dashboard.Browser = new(new SocketsHttpHandler { CookieContainer = new() }) { BaseAddress = new(dashboard.Url) };
        using var login = await dashboard.Browser.GetAsync($"/login?t={Token}", Stop);
        Assert.Equal(HttpStatusCode.OK, login.StatusCode);
        return dashboard;
    }

    /// <summary>For settings with which it does not start.</summary>
    public static async Task<(int ExitCode, string Output)> RunToEndAsync(params (string Name, string Value)[] settings)
    {
        var dashboard = new DashboardProcess(Launch(settings));
        await dashboard._process.WaitForExitAsync(Stop);
        await dashboard._reading;
        return (dashboard._process.ExitCode, dashboard.Output);
    }

    public async Task<JsonElement> GetAsync(string path)
    {
        using var response = await Browser.GetAsync(path, Stop);
        var text = await response.Content.ReadAsStringAsync(Stop);
        Assert.True(response.IsSuccessStatusCode, $"{path}: {response.StatusCode} {text}");
        return JsonSerializer.Deserialize<JsonElement>(text);
    }

    /// <summary>Sends OTLP JSON, all of which must be kept.</summary>
    public async Task SendAsync(string signal, object payload)
    {
        using var http = new HttpClient();
        using var response = await http.PostAsync($"{OtlpUrl}/v1/{signal}", new ByteArrayContent(JsonSerializer.SerializeToUtf8Bytes(payload)) { Headers = { ContentType = new("application/json") } }, Stop);
        Assert.Equal("{}", await response.Content.ReadAsStringAsync(Stop));
    }

    public async ValueTask DisposeAsync()
    {
        Browser.Dispose();
        Anonymous.Dispose();
        using (var kill = Process.Start("kill", ["-TERM", $"{_process.Id}"]))
            await kill.WaitForExitAsync(CancellationToken.None);
        await _process.WaitForExitAsync(CancellationToken.None);
        _process.Dispose();
    }

    static Process Launch((string Name, string Value)[] settings)
    {
        var assembly = typeof(Projects.AppHost).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().Single(a => a.Key == "aspiredashboardpath").Value!;
        var start = new ProcessStartInfo(Path.ChangeExtension(assembly, null))
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            Environment =
            {
                ["ASPNETCORE_URLS"] = "http://127.0.0.1:0",
                ["ASPIRE_DASHBOARD_OTLP_ENDPOINT_URL"] = "http://127.0.0.1:0",
                ["ASPIRE_DASHBOARD_OTLP_HTTP_ENDPOINT_URL"] = "http://127.0.0.1:0",
                ["DASHBOARD__FRONTEND__BROWSERTOKEN"] = Token,
            },
        };
        foreach (var (name, value) in settings)
            start.Environment[name] = value;
        return Process.Start(start)!;
    }

    string Address(string announcement) => Regex.Match(Output, $"{announcement}: (http://\\S+)").Groups[1].Value;

    async Task ReadAsync(StreamReader reader)
    {
        while (await reader.ReadLineAsync(CancellationToken.None) is { } line)
        {
            _lines.Enqueue(line);
            // The first line after the addresses.
            if (line.StartsWith("Login to the dashboard", StringComparison.Ordinal) || line.Contains("AuthMode is Unsecured", StringComparison.Ordinal))
                Listening.TrySetResult();
        }
    }
}

using System.Diagnostics;
using System.Globalization;
using System.Reflection;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace AspireJobs.Benchmarks;

/// <summary>The dashboard alone, held to one core.</summary>
sealed partial class DashboardProcess : IDisposable
{
    readonly Process _process;

    DashboardProcess(Process process) => _process = process;

    public Uri GrpcUrl { get; private set; } = null!;

    public HttpClient Browser { get; } = new();

    public double CpuSeconds
    {
        get
        {
            _process.Refresh();
            return _process.TotalProcessorTime.TotalSeconds;
        }
    }

    public double ResidentMiB
    {
        get
        {
            _process.Refresh();
            return _process.WorkingSet64 / (double)(1 << 20);
        }
    }

    public static async Task<DashboardProcess> StartAsync(CancellationToken stop, params (string Name, int Value)[] limits)
    {
        var assembly = typeof(Projects.AppHost).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().Single(a => a.Key == "aspiredashboardpath").Value!;
        // taskset becomes the program, so the process is the dashboard's.
        var start = new ProcessStartInfo("taskset", ["-c", "0", Path.ChangeExtension(assembly, null)])
        {
            RedirectStandardOutput = true,
            Environment =
            {
                ["ASPNETCORE_URLS"] = "http://127.0.0.1:0",
                ["ASPIRE_DASHBOARD_OTLP_ENDPOINT_URL"] = "http://127.0.0.1:0",
                ["ASPIRE_DASHBOARD_OTLP_HTTP_ENDPOINT_URL"] = "http://127.0.0.1:0",
                ["DASHBOARD__FRONTEND__AUTHMODE"] = "Unsecured",
            },
        };
        foreach (var (name, value) in limits)
            start.Environment[$"DASHBOARD__TELEMETRYLIMITS__{name}"] = value.ToString(CultureInfo.InvariantCulture);
        var dashboard = new DashboardProcess(Process.Start(start)!);
        while (await dashboard._process.StandardOutput.ReadLineAsync(stop) is { } line && !line.StartsWith("Warning", StringComparison.Ordinal))
        {
            if (Address().Match(line) is not { Success: true } match)
                continue;
            if (line.StartsWith("Now", StringComparison.Ordinal))
                dashboard.Browser.BaseAddress = new(match.Value);
            else if (line.Contains("gRPC", StringComparison.Ordinal))
                dashboard.GrpcUrl = new(match.Value);
        }
        return dashboard;
    }

    public async Task<int> CountAsync(string signal, CancellationToken stop)
    {
        using var document = JsonDocument.Parse(await Browser.GetStringAsync(new Uri($"/api/telemetry/{signal}?limit=0", UriKind.Relative), stop));
        return document.RootElement.GetProperty("totalCount").GetInt32();
    }

    public void Dispose()
    {
        _process.Kill();
        _process.Dispose();
        Browser.Dispose();
    }

    [GeneratedRegex("http://\\S+")]
    private static partial Regex Address();
}

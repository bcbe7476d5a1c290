using System.Diagnostics;
using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace AspireJobs.Benchmarks;

/// <summary>A process of a service beside those that the AppHost started, on the same stores. What it logs is read and thrown away.</summary>
sealed class ServiceProcess : IAsyncDisposable
{
    static readonly TimeSpan BetweenTries = TimeSpan.FromMilliseconds(3);

    readonly Process _process;
    readonly Task _read;

    ServiceProcess(Process process)
    {
        _process = process;
        _read = Task.WhenAll(process.StandardOutput.BaseStream.CopyToAsync(Stream.Null), process.StandardError.BaseStream.CopyToAsync(Stream.Null));
    }

    /// <summary>Timestamp (<see cref="Stopwatch"/>) from just before the start.</summary>
    public long StartedAt { get; private init; }

    /// <summary>Its highest resident memory so far, in MiB.</summary>
    public double PeakResidentMiB
    {
        get
        {
            _process.Refresh();
            return _process.PeakWorkingSet64 / (double)(1 << 20);
        }
    }

    public bool HasEnded => _process.HasExited;

    /// <summary>Starts the worker whose playbooks take no time.</summary>
    public static Task<ServiceProcess> StartNoopWorkerAsync(JobService service, IEnumerable<(string Name, string Value)> settings, CancellationToken stop) =>
        StartAsync(service, service.NoopWorkerProgram, [("ASPNETCORE_URLS", "http://127.0.0.1:0"), .. settings], stop);

    /// <summary>Starts another API and returns when it has accepted a job, with where jobs are posted to.</summary>
    public static async Task<(ServiceProcess Process, Uri Jobs)> StartApiAsync(JobService service, IEnumerable<(string Name, string Value)> settings, CancellationToken stop)
    {
        var jobs = JobService.FreeAddress();
        return (await StartApiAsync(service, jobs, settings, () => SubmitLoad.SubmitAsync(jobs, stop), stop), jobs);
    }

    /// <summary>Starts an API that takes jobs there, and returns when it answers to this request.</summary>
    public static async Task<ServiceProcess> StartApiAsync(JobService service, Uri jobs, IEnumerable<(string Name, string Value)> settings, Func<Task> request, CancellationToken stop)
    {
        var api = await StartAsync(service, service.ApiProgram, [("ASPNETCORE_URLS", jobs.GetLeftPart(UriPartial.Authority)), .. settings], stop);
        while (true)
        {
            try
            {
                await request();
                return api;
            }
            catch (Exception e) when (e is SocketException or HttpRequestException && !api.HasEnded)
            {
                // It does not listen yet, or not all of it is there.
                await Task.Delay(BetweenTries, TimeProvider.System, stop);
            }
        }
    }

    static async Task<ServiceProcess> StartAsync(JobService service, string program, IEnumerable<(string Name, string Value)> settings, CancellationToken stop)
    {
        var start = new ProcessStartInfo(program) { RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (var (name, value) in (await service.SettingsAsync(stop)).Concat(settings))
            start.Environment[name] = value;
        var at = Stopwatch.GetTimestamp();
        return new(Process.Start(start)!) { StartedAt = at };
    }

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
            _ = Kill(_process.Id, Terminate);
        await _process.WaitForExitAsync();
        await _read;
        _process.Dispose();
    }

    const int Terminate = 15;

    [DllImport("libc", EntryPoint = "kill")]
    static extern int Kill(int process, int signal);
}

using System.Collections.Concurrent;
using System.Diagnostics;
using System.Text.Json;

namespace AspireJobs.Tests.Infrastructure;

/// <summary>A service as a process of its own, with every line that it writes.</summary>
sealed class ServiceProcess : IDisposable
{
    readonly Process _process;
    readonly ConcurrentQueue<string> _lines = new();
    readonly ConcurrentQueue<string> _errors = new();
    readonly Task _reading;
    volatile TaskCompletionSource _more = NewSignal();

    ServiceProcess(Process process)
    {
        _process = process;
        _reading = Task.WhenAll(ReadAsync(process.StandardOutput, _lines), ReadAsync(process.StandardError, _errors));
    }

    public int Id => _process.Id;

    /// <summary>The lines of standard output so far.</summary>
    public IReadOnlyCollection<string> Lines => _lines;

    /// <summary>The lines of standard error so far.</summary>
    public IReadOnlyCollection<string> Errors => _errors;

    /// <summary>The address at which it listens.</summary>
    public Uri Address { get; private set; } = null!;

    /// <summary>Starts a service on a free port and waits until it listens.</summary>
    public static async Task<ServiceProcess> StartAsync(string program, IReadOnlyDictionary<string, string> settings)
    {
        var service = Start(program, settings);
        var line = await service.LineAsync(line => line.Contains("Now listening on", StringComparison.Ordinal));
        service.Address = new Uri(line.GetProperty("address").GetString()!);
        return service;
    }

    /// <summary>Starts a service that ends by itself.</summary>
    public static async Task<ServiceProcess> RunToEndAsync(string program, IReadOnlyDictionary<string, string> settings)
    {
        var service = Start(program, settings);
        await service._process.WaitForExitAsync(TestContext.Current.CancellationToken);
        await service._reading;
        return service;
    }

    /// <summary>Starts a service on a free port and returns at once.</summary>
    public static ServiceProcess Start(string program, IReadOnlyDictionary<string, string> settings)
    {
        var start = new ProcessStartInfo(Repository.Program(program)) { RedirectStandardOutput = true, RedirectStandardError = true };
        start.Environment["ASPNETCORE_URLS"] = "http://127.0.0.1:0";
        foreach (var (name, value) in settings)
            start.Environment[name.Replace(":", "__")] = value;
        return new ServiceProcess(Process.Start(start)!);
    }

    /// <summary>Starts a worker of the system and returns at once.</summary>
    public static ServiceProcess StartWorker(JobSystem system, params ReadOnlySpan<(string Name, string Value)> settings)
    {
        var all = new Dictionary<string, string>(system.Settings);
        foreach (var (name, value) in settings)
            all[name] = value;
        return Start("Worker", all);
    }

    /// <summary>The first line, written already or to come, that fits.</summary>
    public async Task<JsonElement> LineAsync(Func<string, bool> fits)
    {
        while (true)
        {
            var more = _more.Task;
            if (_lines.FirstOrDefault(fits) is { } line)
                return JsonSerializer.Deserialize<JsonElement>(line);
            if (_reading.IsCompleted)
                Assert.Fail($"The service ended before it wrote what was waited for:\n{string.Join('\n', _lines.Concat(_errors))}");
            await Task.WhenAny(more, _reading).WaitAsync(TestContext.Current.CancellationToken);
        }
    }

    /// <summary>The line about an event of a job.</summary>
    public Task<JsonElement> EventAsync(string name, string jobId) => LineAsync(line =>
        line.Contains($"\"event\":\"{name}\"", StringComparison.Ordinal) && line.Contains($"\"job_id\":\"{jobId}\"", StringComparison.Ordinal));

    /// <summary>SIGTERM; returns the exit code when it has ended and all of its lines are read.</summary>
    public async Task<int> StopAsync()
    {
        Signal("TERM");
        await _process.WaitForExitAsync(TestContext.Current.CancellationToken);
        await _reading;
        return _process.ExitCode;
    }

    /// <summary>SIGKILL.</summary>
    public void Kill() => _process.Kill();

    /// <summary>Sends a signal, such as <c>STOP</c>.</summary>
    public void Signal(string signal)
    {
        using var kill = Process.Start("kill", [$"-{signal}", $"{_process.Id}"]);
        kill.WaitForExit();
    }

    /// <summary>SIGKILL; returns when it is dead and all of its lines are read.</summary>
    public async Task KillAsync()
    {
        Kill();
        await _process.WaitForExitAsync();
        await _reading;
    }

    public void Dispose()
    {
        if (!_process.HasExited)
            _process.Kill();
        _process.WaitForExit();
        _process.Dispose();
    }

    async Task ReadAsync(StreamReader reader, ConcurrentQueue<string> lines)
    {
        while (await reader.ReadLineAsync() is { } line)
        {
            lines.Enqueue(line);
            Interlocked.Exchange(ref _more, NewSignal()).SetResult();
        }
    }

    static TaskCompletionSource NewSignal() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}

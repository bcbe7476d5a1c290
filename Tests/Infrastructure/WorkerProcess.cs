using System.Diagnostics;

namespace AspireJobs.Tests.Infrastructure;

/// <summary>A worker as a process of its own, for tests that kill it.</summary>
sealed class WorkerProcess : IDisposable
{
    readonly Process _process;

    WorkerProcess(Process process) => _process = process;

    public static WorkerProcess Start(JobSystem system, params ReadOnlySpan<(string Name, string Value)> settings)
    {
        var start = new ProcessStartInfo(Repository.Program("Worker")) { RedirectStandardOutput = true };
        foreach (var (name, value) in system.Settings)
            start.Environment[name.Replace(":", "__")] = value;
        foreach (var (name, value) in settings)
            start.Environment[name.Replace(":", "__")] = value;
        start.Environment["ASPNETCORE_URLS"] = "http://127.0.0.1:0";
        var process = Process.Start(start)!;
        _ = process.StandardOutput.BaseStream.CopyToAsync(Stream.Null);
        return new WorkerProcess(process);
    }

    /// <summary>SIGKILL, to this one process.</summary>
    public void Kill() => _process.Kill();

    public void Signal(string signal)
    {
        using var kill = Process.Start("kill", [$"-{signal}", $"{_process.Id}"]);
        kill.WaitForExit();
    }

    public void Dispose()
    {
        if (!_process.HasExited)
            _process.Kill();
        _process.WaitForExit();
        _process.Dispose();
    }
}

using System.Diagnostics;
using System.Globalization;
using System.Text;

namespace LocalAspire;

/// <summary>A child process that ends when the AppHost ends, however that comes about.</summary>
sealed class SupervisedProcess : IDisposable
{
    // The supervisor itself kills after the grace, and then removes what the program leaves, which takes its time on a busy machine.
    // This is for the case that it cannot.
    static readonly TimeSpan Slack = TimeSpan.FromSeconds(20);
    // A stray grandchild may keep the output open for ever.
    static readonly TimeSpan DrainLimit = TimeSpan.FromSeconds(1);
    static readonly string Script = Path.Combine(AppContext.BaseDirectory, "local-aspire-supervise.sh");

    readonly Process _process;
    readonly TimeSpan _grace;
    readonly TimeProvider _clock;
    readonly Lazy<Task> _stop;

    SupervisedProcess(Process process, TimeSpan grace, Action<string, bool> onLine, TimeProvider clock)
    {
        _process = process;
        _grace = grace;
        _clock = clock;
        _stop = new(StopOnceAsync);
        Exited = WaitAsync(ReadAsync(process.StandardOutput.BaseStream, false, onLine), ReadAsync(process.StandardError.BaseStream, true, onLine));
    }

    /// <summary>The exit code; 128 + n after signal n.</summary>
    public Task<int> Exited { get; }

    public static SupervisedProcess Start(LaunchSpec spec, Action<string, bool> onLine, TimeProvider clock)
    {
        // A session of its own keeps Ctrl-C in the terminal, and a kill of the AppHost's process group, away from the supervisor.
        var start = new ProcessStartInfo(Programs.Require("setsid", "the package util-linux"))
        {
            WorkingDirectory = spec.WorkingDirectory,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        string[] arguments =
        [
            // Not sh: dash drops variables whose names have a hyphen, such as services__job-api__http__0.
            Programs.Require("bash", "the package bash"), Script, spec.StopSignal, spec.Grace.TotalSeconds.ToString(CultureInfo.InvariantCulture), spec.Cleanup ?? "",
            spec.FileName, .. spec.Arguments,
        ];
        foreach (var argument in arguments)
            start.ArgumentList.Add(argument);
        foreach (var name in start.Environment.Keys.Where(n => !spec.InheritEnvironment || !LaunchPlanner.IsInherited(n)).ToArray())
            start.Environment.Remove(name);
        foreach (var (name, value) in spec.Environment)
            start.Environment[name] = value;

        return new(Process.Start(start)!, spec.Grace, onLine, clock);
    }

    /// <summary>Asks the program to end and kills it after the grace; returns when it is gone.</summary>
    public Task StopAsync() => _stop.Value;

    public void Dispose() => _process.Dispose();

    async Task StopOnceAsync()
    {
        _process.StandardInput.Close();
        try
        {
            await Exited.WaitAsync(_grace + Slack, _clock);
        }
        catch (TimeoutException)
        {
            _process.Kill(entireProcessTree: true);
            await Exited;
        }
    }

    static async Task ReadAsync(Stream output, bool isError, Action<string, bool> onLine)
    {
        // The process's own reader asks the system eight times as often.
        using var reader = new StreamReader(output, Encoding.UTF8, detectEncodingFromByteOrderMarks: false, bufferSize: 32 << 10);
        while (await reader.ReadLineAsync() is { } line)
            onLine(line, isError);
    }

    async Task<int> WaitAsync(Task output, Task error)
    {
        await _process.WaitForExitAsync();
        try
        {
            await Task.WhenAll(output, error).WaitAsync(DrainLimit, _clock);
        }
        catch (TimeoutException)
        {
            // What was written so far has been read.
        }
        return _process.ExitCode;
    }
}

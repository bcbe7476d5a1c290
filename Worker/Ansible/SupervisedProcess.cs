using System.Diagnostics;
using System.Text.Json;

namespace AspireJobs.Worker.Ansible;

/// <summary>How a supervised command ended.</summary>
/// <param name="Pid">Its process id.</param>
/// <param name="Exit">Its exit code.</param>
/// <param name="Signal">The signal that ended it.</param>
/// <param name="Survivors">Processes that could not be killed: they belong to another user, or hang in the kernel.</param>
internal sealed record CommandEnd(int Pid, int? Exit, int? Signal, IReadOnlyList<string> Survivors)
{
    /// <summary>Reads the supervisor's last line: <c>{"supervisor": {"pid": 4711, "exit": 2, "signal": null, "survivors": []}}</c>.</summary>
    public static bool TryParse(ReadOnlyMemory<byte> line, out CommandEnd? end)
    {
        end = null;
        if (!line.Span.StartsWith("""{"supervisor":"""u8))
            return false;
        using var document = JsonDocument.Parse(line);
        var facts = document.RootElement.GetProperty("supervisor");
        end = new(facts.GetProperty("pid").GetInt32(), Number(facts, "exit"), Number(facts, "signal"), [.. facts.GetProperty("survivors").EnumerateArray().Select(entry => entry.GetString()!)]);
        return true;
    }

    static int? Number(JsonElement facts, string name) => facts.GetProperty(name) is { ValueKind: JsonValueKind.Number } value ? value.GetInt32() : null;
}

/// <summary>
/// A command below supervise.py, which ends it with all its descendants when told to, and when this process dies, however that happens: the
/// end of the control pipe tells it.
/// </summary>
internal sealed class SupervisedProcess : IDisposable
{
    static readonly string Supervisor = Path.Combine(AppContext.BaseDirectory, "ansible", "supervise.py");

    readonly Process _process;
    readonly Task _ended;

    SupervisedProcess(Process process)
    {
        _process = process;
        _ended = process.WaitForExitAsync();
        Output = new ProcessOutput(process.StandardOutput.BaseStream, _ended);
        Events = new ProcessOutput(process.StandardError.BaseStream, _ended);
    }

    /// <summary>Starts a command in a directory, with this environment and nothing else.</summary>
    public static SupervisedProcess Start(string python, IEnumerable<string> command, string directory, IEnumerable<KeyValuePair<string, string>> environment)
    {
        var start = new ProcessStartInfo(python, ["-I", "-S", Supervisor, .. command])
        {
            WorkingDirectory = directory,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.Environment.Clear();
        foreach (var (name, value) in environment)
            start.Environment[name] = value;
        return new(Process.Start(start)!);
    }

    /// <summary>What the command prints.</summary>
    public Stream Output { get; }

    /// <summary>The events, and as the last line how the command ended.</summary>
    public Stream Events { get; }

    /// <summary>Ends the command: SIGINT, SIGTERM, SIGKILL, with seconds between them.</summary>
    public void Stop()
    {
        try
        {
            _process.StandardInput.BaseStream.Write("stop\n"u8);
            _process.StandardInput.BaseStream.Flush();
        }
        catch (IOException)
        {
            // It has ended in this moment.
        }
    }

    /// <summary>Ends the command quickly, without listening to it any more.</summary>
    public void Abandon()
    {
        _process.StandardInput.Close();
        Output.Close();
        Events.Close();
    }

    /// <summary>Waits until the command and all its descendants that can be killed are dead. Both streams must be read meanwhile, or abandoned.</summary>
    public Task WaitAsync() => _ended;

    public void Dispose()
    {
        // Not by the process, which has handed them out.
        Output.Dispose();
        Events.Dispose();
        _process.Dispose();
    }
}

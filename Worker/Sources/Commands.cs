using System.Text;
using AspireJobs.Jobs;
using AspireJobs.Worker.Ansible;
using Microsoft.Extensions.Options;

namespace AspireJobs.Worker.Sources;

/// <summary>A command to run to its end.</summary>
/// <param name="Words">Program and arguments.</param>
/// <param name="Directory">Where it runs.</param>
/// <param name="Environment">All of its environment but <c>PATH</c> and the language of its messages.</param>
internal sealed record Command(IReadOnlyList<string> Words, string Directory, IReadOnlyDictionary<string, string> Environment);

/// <summary>How a command ended.</summary>
/// <param name="ExitCode">Its exit code; null if a signal ended it.</param>
/// <param name="Output">The end of what it printed, output and errors.</param>
internal sealed record CommandResult(int? ExitCode, string Output)
{
    public bool Succeeded => ExitCode == 0;

    /// <summary>What it printed, on one line, without hints and warnings.</summary>
    public string Complaint
    {
        get
        {
            var lines = Output.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)
                .Where(line => !line.StartsWith("hint:", StringComparison.Ordinal) && !line.StartsWith("warning:", StringComparison.Ordinal));
            return string.Join(' ', lines) is { Length: > 0 } text ? text : ExitCode is { } code ? $"it ended with exit code {code}" : "it was killed, or could not be started";
        }
    }
}

/// <summary>Runs the programs that fetching needs; none of them outlives its job or the worker.</summary>
internal sealed class Commands(IOptions<AnsibleOptions> options)
{
    const int LongestOutput = 16 * 1024;
    const int LongestLine = 64 * 1024;

    readonly Lazy<string> _python = new(() => AnsibleProgram.Find(options.Value.Command).Python);

    /// <summary>Runs a command, handing over every line that it prints. An exception of <paramref name="handle"/> ends it.</summary>
    public async Task<CommandResult> RunAsync(Command command, CancellationToken stop, Action<string>? handle = null)
    {
        stop.ThrowIfCancellationRequested();
        var environment = new Dictionary<string, string>(command.Environment)
        {
            ["PATH"] = AnsibleProgram.SearchPath,
            ["LC_ALL"] = "C.UTF-8",
        };
        using var process = SupervisedProcess.Start(_python.Value, command.Words, command.Directory, environment);
        await using var stopping = stop.UnsafeRegister(_ => process.Abandon(), null);
        try
        {
            var end = EndAsync(process.Events);
            var output = await ReadAsync(process.Output, handle);
            var exit = (await end)?.Exit;
            await process.WaitAsync();
            stop.ThrowIfCancellationRequested();
            return new(exit, output);
        }
        catch
        {
            process.Abandon();
            await process.WaitAsync();
            // Reading fails when the process is abandoned.
            stop.ThrowIfCancellationRequested();
            throw;
        }
    }

    static async Task<string> ReadAsync(Stream output, Action<string>? handle)
    {
        using var reader = new StreamReader(output, Encoding.UTF8);
        var (tail, line, letters) = (new StringBuilder(), new StringBuilder(), new char[4096]);
        while (await reader.ReadAsync(letters) is > 0 and var count)
        {
            tail.Append(letters, 0, count);
            if (tail.Length > LongestOutput)
                tail.Remove(0, tail.Length - LongestOutput);
            for (var start = 0; start < count;)
            {
                var length = letters.AsSpan(start, count - start).IndexOf('\n');
                line.Append(letters, start, length < 0 ? count - start : length);
                // Names and settings in a repository are as long as its author likes.
                if (line.Length > LongestLine)
                    throw new JobFailedException(JobOutcome.SourceFetchFailed, $"git printed a line of more than {LongestLine} characters, which is too long a name or setting");
                if (length < 0)
                    break;
                handle?.Invoke(line.ToString());
                line.Clear();
                start += length + 1;
            }
        }
        if (line.Length > 0)
            handle?.Invoke(line.ToString());
        return tail.ToString();
    }

    static async Task<CommandEnd?> EndAsync(Stream events)
    {
        using var reader = new StreamReader(events, Encoding.UTF8);
        CommandEnd? end = null;
        while (await reader.ReadLineAsync() is { } line)
            if (CommandEnd.TryParse(Encoding.UTF8.GetBytes(line), out var parsed))
                end = parsed;
        return end;
    }
}

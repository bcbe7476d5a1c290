namespace AspireJobs.Tests.Hosting;

/// <summary>A program called docker that writes down what it is told, and whose containers run until they are ended.</summary>
sealed class FakeEngine : IDisposable
{
    // A named pipe for each container that runs: whoever waits for the container reads from it.
    const string Script = """
        #!/bin/bash
        cd "$(dirname "$0")"
        (IFS=$'\t'; printf '%s\n' "$*") >>calls
        for answer in answer.*; do
            [ -f "$answer" ] && [[ "$*" = "$(head -1 "$answer")"* ]] && { tail -n +2 "$answer"; exit 0; }
        done
        [ -f "fail.$1" ] && { cat "fail.$1" >&2; exit 125; }
        case $1 in
            create) printf %s "$REDIS_PASSWORD" >REDIS_PASSWORD; mkfifo "running.id-of-$3" 2>/dev/null; rm -f "exit.id-of-$3"; echo "id-of-$3" ;;
            logs) echo hello from the container ;;
            wait) [ -f "exit.$2" ] || { read -r code <"running.$2"; [ -f "exit.$2" ] || echo "$code" >"exit.$2"; } ;;
            stop)
                [ -p "running.$4" ] || exit 0
                echo 143 >"exit.$4"
                # For the one who waits; perhaps there is none yet.
                timeout 5 bash -c 'echo >"$0"' "running.$4" >/dev/null 2>&1 & ;;
            inspect) [[ "$3" = *ExitCode* ]] && cat "exit.$4" ;;
            network) [ "$2" = create ] || exit 1 ;;
        esac
        exit 0
        """;

    readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("aspirejobs-engine-");

    public FakeEngine()
    {
        File.WriteAllText(Path("docker"), Script);
        File.SetUnixFileMode(Path("docker"), UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        File.WriteAllText(Path("calls"), "");
    }

    public string Path(string name) => System.IO.Path.Combine(_directory.FullName, name);

    /// <summary>Calls with this first word fail.</summary>
    public void Fail(string command, string reason) => File.WriteAllText(Path($"fail.{command}"), reason + "\n");

    /// <summary>Calls that begin so are answered so.</summary>
    public void Answer(string call, string answer) => File.WriteAllText(Path($"answer.{Guid.NewGuid():N}"), $"{call}\n{answer}\n");

    /// <summary>Ends the one container.</summary>
    public void End(int exitCode) => File.WriteAllText(Directory.GetFiles(_directory.FullName, "running.*").Single(), $"{exitCode}\n");

    /// <summary>What was asked so far, one line for each call.</summary>
    public async Task<IReadOnlyList<string>> CallsAsync() => [.. (await RawAsync()).Select(call => call.Replace('\t', ' '))];

    /// <summary>The arguments of the first call that creates such a container, when it has come.</summary>
    public async Task<string[]> CreateAsync(string resource)
    {
        while (true)
        {
            if ((await RawAsync()).Select(call => call.Split('\t')).FirstOrDefault(call => call[0] == "create" && call.Contains(resource)) is { } call)
                return call;
            await Task.Delay(TimeSpan.FromMilliseconds(20), TimeProvider.System, Apps.Stop);
        }
    }

    Task<string[]> RawAsync() => File.ReadAllLinesAsync(Path("calls"), Apps.Stop);

    public void Dispose() => _directory.Delete(recursive: true);
}

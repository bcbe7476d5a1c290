using System.Text;

namespace AspireJobs.Worker.Ansible;

/// <summary>The installed ansible-playbook.</summary>
/// <param name="Playbook">Full path of ansible-playbook.</param>
/// <param name="Python">Full path of the Python that it runs on, which need not be the <c>python3</c> of <c>PATH</c>.</param>
internal sealed record AnsibleProgram(string Playbook, string Python)
{
    /// <summary>Where programs are looked for, here and by what is started from here.</summary>
    public static readonly string SearchPath = Environment.GetEnvironmentVariable("PATH") ?? "/usr/local/bin:/usr/bin:/bin";

    /// <summary>Finds ansible-playbook and its Python.</summary>
    /// <exception cref="InvalidOperationException">It, or its Python, is not there; the message says what to do.</exception>
    public static AnsibleProgram Find(string command)
    {
        var playbook = Executable(command)
            ?? throw new InvalidOperationException($"{command} was not found: install Ansible (on Debian: apt-get install ansible-core), or set {AnsibleOptions.Section}:{nameof(AnsibleOptions.Command)} to its path");
        // A wrapper script runs on something else; then any Python 3 will do for the supervisor.
        var python = Interpreter(playbook) is { } named && Path.GetFileName(named).StartsWith("python", StringComparison.Ordinal) ? named : "python3";
        return new(playbook, Executable(python) ?? throw new InvalidOperationException($"{python}, on which {playbook} runs, was not found"));
    }

    // "#!/usr/bin/python3 -s" or "#!/usr/bin/env python3"
    static string? Interpreter(string script)
    {
        using var reader = new StreamReader(script, Encoding.Latin1);
        Span<char> start = stackalloc char[256];
        var line = start[..reader.ReadBlock(start)].ToString().Split('\n')[0];
        if (!line.StartsWith("#!", StringComparison.Ordinal))
            return null;
        var words = line[2..].Split(' ', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        return words is [var env, var name, ..] && Path.GetFileName(env) == "env" ? name : words.FirstOrDefault();
    }

    static string? Executable(string command) => command.Contains('/')
        ? File.Exists(command) ? Path.GetFullPath(command) : null
        : SearchPath.Split(':', StringSplitOptions.RemoveEmptyEntries).Select(directory => Path.Combine(directory, command)).FirstOrDefault(IsExecutable);

    static bool IsExecutable(string path) =>
        File.Exists(path) && (File.GetUnixFileMode(path) & (UnixFileMode.UserExecute | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute)) != 0;
}

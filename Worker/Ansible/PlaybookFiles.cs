using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using AspireJobs.Jobs;

namespace AspireJobs.Worker.Ansible;

/// <summary>
/// Writes the private files of a run and says what goes on the command line: paths and plain options, never a secret or a variable. Every
/// value is joined to its option by "=", so that none can become an option.
/// </summary>
internal sealed class PlaybookFiles(PlaybookRun run)
{
    const string Secrets = "secrets";

    const string Localhost = "localhost ansible_connection=local ansible_python_interpreter=\"{{ ansible_playbook_python }}\"\n";

    static readonly string Callbacks = Path.Combine(AppContext.BaseDirectory, "ansible", "callbacks");

    readonly PrivateFiles _files = new(run.WorkDirectory);

    /// <summary>Digest of the inventory, once it is known.</summary>
    public string? InventoryDigest { get; private set; }

    /// <summary>Writes the files and returns the arguments of ansible-playbook.</summary>
    /// <exception cref="JobFailedException">The request cannot be run: the message says why.</exception>
    public IReadOnlyList<string> Prepare(CancellationToken stop)
    {
        var playbook = Playbook();
        foreach (var name in (string[])["home", "tmp", "ssh", "inventory", Secrets])
            _files.Directory(name);
        _files.Write("ansible.cfg", Configuration());
        return
        [
            $"--inventory={Inventory(stop)}",
            .. ExtraVars(),
            .. new CredentialFiles(_files, Secrets).Prepare(run.Credentials),
            .. Limit(),
            .. Options(run.Request),
            "--", playbook,
        ];
    }

    /// <summary>The whole environment of the run: nothing of the worker's own, which holds the keys to the database.</summary>
    public Dictionary<string, string> Environment() => new()
    {
        ["PATH"] = AnsibleProgram.SearchPath,
        ["LANG"] = "C.UTF-8",
        ["HOME"] = Path.Combine(run.WorkDirectory, "home"),
        ["TMPDIR"] = Path.Combine(run.WorkDirectory, "tmp"),
        ["ANSIBLE_CONFIG"] = Path.Combine(run.WorkDirectory, "ansible.cfg"),
    };

    /// <summary>Removes the files that hold secrets.</summary>
    public void RemoveSecrets() => _files.Remove(Secrets);

    // An ansible.cfg in the source would be read instead, and could switch off the events or the checking of host keys.
    string Configuration() =>
        $"""
        [defaults]
        callback_plugins = {Callbacks}
        local_tmp = {run.WorkDirectory}/tmp
        retry_files_enabled = false
        nocolor = true
        nocows = true

        [inventory]
        unparsed_is_failed = true

        [ssh_connection]
        control_path_dir = {run.WorkDirectory}/ssh

        """;

    string Playbook()
    {
        if (run.Request.Source!.Content is { } text)
        {
            new PrivateFiles(run.SourceDirectory).Write(AnsiblePlaybook.InlineName, text);
            return AnsiblePlaybook.InlineName;
        }
        var name = run.Request.Playbook!;
        if (SourcePath.Resolve(run.SourceDirectory, name) is not { } path)
            throw new JobFailedException(JobOutcome.PlaybookInvalid, $"playbook '{name}' is not in the source");
        if (!File.Exists(path))
            throw new JobFailedException(JobOutcome.PlaybookInvalid, $"playbook '{name}' is not a file");
        return name;
    }

    string Inventory(CancellationToken stop)
    {
        if (run.Request.Inventory?.Path is not { } path)
        {
            var text = InventoryText();
            InventoryDigest = ContentDigest.OfText(text);
            return _files.Write("inventory/hosts", text);
        }
        // Without "..", as Ansible folds it before it looks for links. Not the resolved path: variables lie beside the link.
        var written = Path.GetFullPath(path, run.SourceDirectory);
        var found = SourcePath.Resolve(run.SourceDirectory, Path.GetRelativePath(run.SourceDirectory, written))
            ?? throw new JobFailedException(JobOutcome.InventoryInvalid, $"inventory '{path}' is not in the source");
        InventoryDigest = ContentDigest.OfPath(found, stop);
        return written;
    }

    string InventoryText() => run.Request.Inventory switch
    {
        { Content: { } content } => content,
        { Hosts: { } hosts } => HostList(hosts),
        _ => Localhost,
    };

    // JSON, which is YAML: in an INI inventory a name with a space in it would set variables.
    static string HostList(IReadOnlyList<string> hosts)
    {
        var names = new JsonObject(hosts.Distinct().Select(host => KeyValuePair.Create(host, (JsonNode?)null)));
        return new JsonObject { ["all"] = new JsonObject { ["hosts"] = names } }.ToJsonString();
    }

    IEnumerable<string> ExtraVars() => run.Request.ExtraVars is { ValueKind: JsonValueKind.Object } variables
        ? [$"--extra-vars=@{_files.Write("extra_vars.json", variables.GetRawText())}"]
        : [];

    // Names of hosts go into a file: they may be many, and on the command line a comma or a colon would end a name. Only a name that is in the
    // inventory is taken as it is; any other would be a pattern.
    IEnumerable<string> Limit() => run.Request switch
    {
        { LimitHosts: { } hosts } => [$"--limit=@{_files.Write("limit", string.Join('\n', hosts.Select(AnsiblePattern.Literal)))}"],
        { Limit: { } limit } when AnsiblePattern.IsLimit(limit) => [$"--limit={limit}"],
        { Limit: not null } => throw new JobFailedException(JobOutcome.UsageError, "limit is not a pattern that names hosts"),
        _ => [],
    };

    static IEnumerable<string> Options(JobRequest request)
    {
        if (request.Tags is { Count: > 0 } tags)
            yield return $"--tags={string.Join(',', tags)}";
        if (request.SkipTags is { Count: > 0 } skipped)
            yield return $"--skip-tags={string.Join(',', skipped)}";
        if (request.StartAtTask is { } task)
            yield return $"--start-at-task={task}";
        if (request.Check)
            yield return "--check";
        if (request.Diff)
            yield return "--diff";
        if (request.Verbosity > 0)
            yield return "-" + new string('v', request.Verbosity);
        if (request.Forks is { } forks)
            yield return $"--forks={forks.ToString(CultureInfo.InvariantCulture)}";
    }
}

using System.Text;
using System.Text.Json;
using AspireJobs.Jobs;

namespace AspireJobs.Worker.Ansible;

/// <summary>
/// Tells how a run ended from all that was seen of it. The exit code alone is not enough: it is 0 when no host matched, and 4 for a bad
/// playbook as well as for an unreachable host.
/// </summary>
internal sealed class PlaybookOutcome(PlaybookRun run)
{
    /// <summary>ansible-playbook's exit code after an interruption.</summary>
    const int Interrupted = 99;

    // An error message that ends the run is at the end of the log, and is seldom longer than a few lines.
    const int TailLength = 16 * 1024;

    readonly StringBuilder _tail = new();
    readonly Dictionary<string, List<HostFailure>> _failures = [];
    readonly Dictionary<string, (string? Task, string Message)> _failedItem = [];
    readonly List<string> _unmatched = [];
    HostFailure? _unreachable;
    string _pattern = "";
    bool _began;
    IReadOnlyDictionary<string, HostSummary>? _hosts;

    /// <summary>Takes note of log text.</summary>
    public void Observe(string log)
    {
        _tail.Append(log);
        if (_tail.Length > 2 * TailLength)
            _tail.Remove(0, _tail.Length - TailLength);
    }

    /// <summary>Takes note of an event.</summary>
    public void Observe(PlaybookEvent item)
    {
        switch (item.Type)
        {
            case "playbook_on_start":
                _began = true;
                break;
            case "playbook_on_play_start":
                _pattern = item.Text("pattern") ?? "";
                break;
            case "playbook_on_no_hosts_matched":
                _unmatched.Add(_pattern);
                break;
            case "runner_item_on_failed" when item.Text("host") is { } host:
                _failedItem.TryAdd(host, (item.Text("task_uuid"), Message(item)));
                break;
            case "runner_on_ok" or "runner_on_skipped" when item.Text("host") is { } host:
                _failedItem.Remove(host);
                break;
            case "runner_on_failed" when item.Text("host") is { } host:
                Failed(host, item);
                break;
            case "runner_on_unreachable" when !item.Is("ignore_errors"):
                _unreachable ??= new(item.Seq, item.Text("host") ?? "", item.Text("task") ?? "", Message(item));
                break;
            case "playbook_on_stats" when item.Fields.TryGetProperty("hosts", out var hosts):
                // Names can be the same once secrets and control characters are out of them.
                _hosts = hosts.EnumerateObject().GroupBy(host => host.Name, host => Summary(host.Value)).ToDictionary(same => same.Key, same => same.Aggregate((one, other) => one + other));
                break;
        }
    }

    /// <summary>How the run ended.</summary>
    /// <param name="events">The event stream, read to its end.</param>
    /// <param name="stopped">The run was told to stop. If it had come to its end before that, the result is that of the run.</param>
    public JobResult Result(EventStream events, bool stopped)
    {
        var (outcome, message, failure) = Judge(events, stopped);
        return new(outcome)
        {
            Failure = outcome == JobOutcome.Success ? null : new(outcome.Word(), Relative(message), failure?.Task, failure?.Host),
            ExitCode = events.End?.Exit,
            Hosts = _hosts,
        };
    }

    (JobOutcome, string Message, HostFailure?) Judge(EventStream events, bool stopped)
    {
        if (events.End is not { } end)
            return Internal($"the supervisor of ansible-playbook ended without its report{(events.Stray is { } stray ? $": {stray}" : "")}");
        if (end.Survivors is { Count: > 0 } survivors)
            return Internal($"processes of the run could not be killed: {string.Join(", ", survivors)}");
        if (stopped && (_hosts is null || end.Exit is null or Interrupted))
            return (JobOutcome.Cancelled, "the run was stopped", null);
        if (end.Signal is { } signal)
            return Internal($"ansible-playbook was killed by signal {signal}{(signal == 9 ? ", perhaps by the system for lack of memory" : "")}");
        if (end.Exit == Interrupted)
            return Internal("ansible-playbook was interrupted: by its debugger, which has nobody to talk to, or by somebody else");
        if (events.Fault is { } fault)
            return Internal($"the playbook's events are not complete, so its exit code {end.Exit} cannot be trusted: {fault}");
        if (_hosts is not null)
            return JudgeReport(end.Exit!.Value, _hosts);
        if (end.Exit == 0)
            return Internal("ansible-playbook ended with exit code 0 without its final report");
        var (outcome, message) = AnsibleError.Read(end.Exit!.Value, _tail.ToString());
        if (outcome != JobOutcome.NoHostsMatched)
            return (outcome, message, null);
        // The limit is applied before the playbook begins. After that it is a play that asks for a host beyond the last, and plays before it may have done their work.
        return _began
            ? (JobOutcome.PlaybookInvalid, message, null)
            : (outcome, Limit is { } limit ? $"no host of the inventory matches {limit}" : message, null);
    }

    string? Limit => run.Request.Limit is { } limit ? $"limit '{limit}'" : run.Request.LimitHosts is null ? null : "limit_hosts";

    (JobOutcome, string, HostFailure?) JudgeReport(int exitCode, IReadOnlyDictionary<string, HostSummary> hosts)
    {
        if (exitCode == 0)
            return hosts.Count > 0 ? (JobOutcome.Success, "", null) : (JobOutcome.NoHostsMatched, NothingDone(), null);
        if (FirstFailure(hosts) is { } failure)
        {
            var others = hosts.Values.Count(host => host.Failed > 0) - 1;
            var message = $"task '{failure.Task}' failed on {failure.Host}{Others(others)}: {failure.Message}";
            return (AnsibleError.IsVault(failure.Message) ? JobOutcome.VaultError : JobOutcome.TasksFailed, message, failure);
        }
        if (_unreachable is { } unreachable)
            return (JobOutcome.HostsUnreachable, $"{unreachable.Host}{Others(hosts.Values.Count(host => host.Unreachable > 0) - 1)} could not be reached: {unreachable.Message}", unreachable);
        return (JobOutcome.TasksFailed, $"ansible-playbook ended with exit code {exitCode} and reports no failed task", null);
    }

    // Of each host the one that put it out of the run: others were caught by a rescue section, before it, or after it in an always section.
    HostFailure? FirstFailure(IReadOnlyDictionary<string, HostSummary> hosts) => hosts
        .Where(host => host.Value.Failed > 0 && _failures.ContainsKey(host.Key))
        .Select(host => _failures[host.Key].Find(failure => !failure.Rescued) ?? _failures[host.Key][^1])
        .MinBy(failure => failure.Seq);

    string NothingDone() => _unmatched is [var pattern, ..]
        ? $"no host matched '{pattern}'{(Limit is { } limit ? $" with {limit}" : "")}, so nothing was done"
        : run.Request.StartAtTask is { } start ? $"no task ran on any host: of what the playbook says itself, without dynamic includes and handlers, start_at_task '{start}' may name nothing"
        : $"no task ran on any host{(run.Request.Tags.Count + run.Request.SkipTags.Count > 0 ? ": tags and skip_tags leave none" : "")}";

    void Failed(string host, PlaybookEvent item)
    {
        // Of a loop the task itself says only that an item failed.
        var message = _failedItem.Remove(host, out var first) && first.Task == item.Text("task_uuid") ? first.Message : Message(item);
        if (item.Is("ignore_errors"))
            return;
        if (!_failures.TryGetValue(host, out var failures))
            _failures[host] = failures = [];
        failures.Add(new(item.Seq, host, item.Text("task") ?? "", message, item.Is("rescued")));
    }

    /// <summary>What a host's result says, as one sentence.</summary>
    public static string Message(PlaybookEvent item)
    {
        if (!item.Fields.TryGetProperty("res", out var result))
            return item.Text("plugin_error") ?? "no details";
        var text = Shown(result, "msg") ?? result.Text("reason") ?? result.Text("censored") ?? "no message";
        var detail = result.Text("stderr") ?? result.Text("module_stderr");
        return AnsibleError.OfTask(detail is null ? text : $"{text}: {detail}");
    }

    // Lists and objects too: "assert" takes several lines as a list.
    static string? Shown(JsonElement result, string field) =>
        result.TryGetProperty(field, out var value) && value.ValueKind is JsonValueKind.Array or JsonValueKind.Object or JsonValueKind.Number ? value.GetRawText() : result.Text(field);

    // The worker's directories are no business of the caller.
    string Relative(string text) => new[] { run.SourceDirectory, run.WorkDirectory }.Select(path => path.TrimEnd('/')).Aggregate(text, (shown, path) =>
        shown.Replace(path + '/', "", StringComparison.Ordinal).Replace(path, ".", StringComparison.Ordinal));

    static string Others(int count) => count switch
    {
        <= 0 => "",
        1 => " and 1 other host",
        _ => $" and {count} other hosts",
    };

    static HostSummary Summary(JsonElement host)
    {
        int Count(string name) => host.GetProperty(name).GetInt32();
        return new(Count("ok"), Count("changed"), Count("unreachable"), Count("failed"), Count("skipped"), Count("rescued"), Count("ignored"));
    }

    static (JobOutcome, string, HostFailure?) Internal(string message) => (JobOutcome.InternalError, message, null);

    sealed record HostFailure(int Seq, string Host, string Task, string Message, bool Rescued = false);
}

using System.Diagnostics;
using AspireJobs.Jobs;

namespace AspireJobs.Worker.Ansible;

/// <summary>
/// Spans of a run, below the span that is current when it begins: play, task, host; with the times of the events. Each is exported when it
/// ends, so that also a run that is killed leaves a trace. Attributes are named as Ansible's own OpenTelemetry plugin names them.
/// </summary>
internal sealed class PlaybookSpans : IDisposable
{
    // A thousand hosts times two hundred tasks would flood the trace store; the counts stand on the task's span. A host that fails takes no
    // further part in its play, so failures need no limit.
    const int MostPlainHosts = 500;
    const int MostNotableHosts = 5000;
    static readonly TimeSpan Slow = TimeSpan.FromSeconds(10);
    const int MostNotes = 32;
    const string Stopped = "the run ended before";

    readonly ActivityContext _parent = Activity.Current?.Context ?? default;
    readonly object? _job = Activity.Current?.GetTagItem("job.id");
    readonly Dictionary<string, TaskSpan> _tasks = [];
    Activity? _play;
    int _hosts;

    /// <summary>Takes note of an event.</summary>
    public void Observe(PlaybookEvent item)
    {
        var current = Activity.Current;
        Record(item);
        // A started activity makes itself the current one; what follows in this flow is no part of it.
        Activity.Current = current;
    }

    /// <summary>Ends what is open, now: the run is over.</summary>
    public void Dispose()
    {
        _play?.SetStatus(ActivityStatusCode.Error, Stopped);
        EndPlay(null);
    }

    void Record(PlaybookEvent item)
    {
        switch (item.Type)
        {
            case "playbook_on_play_start":
                EndPlay(item.At);
                _play = Start("play", item.Text("play"), _parent, item.At)?.SetTag("ansible.play.name", item.Text("play"));
                break;
            case "playbook_on_task_start" when _play is not null && item.Text("task_uuid") is { } id:
                EndIdleTasks(item.At);
                // With the free strategy a task starts once for each host.
                if (!_tasks.ContainsKey(id))
                    _tasks[id] = new(StartTask(item));
                break;
            case "runner_on_start" when Task(item) is { } task:
                task.Running[item.Text("host") ?? ""] = new(item.At);
                break;
            case "runner_retry" or "runner_item_on_failed" when Task(item) is { } task && task.Running.TryGetValue(item.Text("host") ?? "", out var host):
                if (host.Notes.Count < MostNotes)
                    host.Notes.Add(new(item.Type == "runner_retry" ? "retry" : "item failed", item.At));
                break;
            case "runner_on_ok" or "runner_on_failed" or "runner_on_skipped" or "runner_on_unreachable" when Task(item) is { } task:
                EndHost(task, item);
                break;
            case "playbook_on_stats":
                EndPlay(item.At);
                break;
        }
    }

    Activity? StartTask(PlaybookEvent item) => Start("task", item.Text("task"), _play!.Context, item.At)
        ?.SetTag("ansible.task.name", item.Text("task")).SetTag("ansible.task.module", item.Text("action"))
        .SetTag("ansible.task.path", item.Text("path")).SetTag("ansible.task.role", item.Text("role"))
        .SetTag("ansible.task.handler", item.Is("handler"))
        .SetTag("cicd.pipeline.task.name", item.Text("task")).SetTag("cicd.pipeline.task.run.id", item.Text("task_uuid"));

    void EndHost(TaskSpan task, PlaybookEvent item)
    {
        var name = item.Text("host") ?? "";
        task.Running.Remove(name, out var started);
        task.LastResult = item.At;
        var failed = item.Type is "runner_on_failed" or "runner_on_unreachable" && !item.Is("ignore_errors");
        var status = Status(item);
        task.Counts[status] = task.Counts.GetValueOrDefault(status) + 1;
        if (failed)
        {
            task.Span?.SetStatus(ActivityStatusCode.Error, $"failed on {name}");
            if (!item.Is("rescued"))
                _play?.SetStatus(ActivityStatusCode.Error, $"task '{item.Text("task")}' failed on {name}");
        }
        if (task.Span is null || !(failed || IsWithinBudget(notable: status is "changed" or "ignored" || item.At - started?.At >= Slow)))
        {
            task.Omitted++;
            return;
        }
        using var span = StartHost(task, name, started?.At ?? item.At, started);
        span?.SetTag("ansible.task.host.status", status).SetEndTime(item.At.UtcDateTime);
        if (failed)
            span?.SetStatus(ActivityStatusCode.Error, PlaybookOutcome.Message(item)).SetTag("error.type", status);
    }

    bool IsWithinBudget(bool notable)
    {
        if (_hosts >= (notable ? MostNotableHosts : MostPlainHosts))
            return false;
        _hosts++;
        return true;
    }

    Activity? StartHost(TaskSpan task, string name, DateTimeOffset at, RunningHost? started)
    {
        var span = Start("host", name, task.Span!.Context, at)?.SetTag("ansible.task.host.name", name);
        foreach (var note in started?.Notes ?? [])
            span?.AddEvent(note);
        return span;
    }

    // With the free strategy hosts are at different tasks, so a new task does not end the others.
    void EndIdleTasks(DateTimeOffset at)
    {
        foreach (var (id, task) in _tasks.Where(task => task.Value.Running.Count == 0).ToArray())
            EndTask(id, task, at);
    }

    void EndPlay(DateTimeOffset? at)
    {
        foreach (var (id, task) in _tasks.ToArray())
            EndTask(id, task, at);
        End(_play, at);
        _play = null;
    }

    void EndTask(string id, TaskSpan task, DateTimeOffset? at)
    {
        _tasks.Remove(id);
        foreach (var (name, host) in task.Span is null ? [] : task.Running)
        {
            var span = StartHost(task, name, host.At, host);
            span?.SetTag("ansible.task.host.status", "unfinished").SetStatus(ActivityStatusCode.Error, Stopped);
            End(span, at);
        }
        foreach (var (status, count) in task.Counts)
            task.Span?.SetTag($"ansible.task.hosts.{status}", count);
        task.Span?.SetTag("cicd.pipeline.task.run.result", task.Result);
        if (task.Omitted > 0)
            task.Span?.SetTag("ansible.task.hosts.without_span", task.Omitted);
        End(task.Span, task.Running.Count == 0 ? task.LastResult ?? at : at);
    }

    static void End(Activity? span, DateTimeOffset? at)
    {
        if (at is { } end)
            span?.SetEndTime(end.UtcDateTime);
        span?.Dispose();
    }

    TaskSpan? Task(PlaybookEvent item) => item.Text("task_uuid") is { } id && _tasks.TryGetValue(id, out var task) ? task : null;

    static string Status(PlaybookEvent item) => item.Type switch
    {
        "runner_on_ok" => item.Is("changed") ? "changed" : "ok",
        "runner_on_skipped" => "skipped",
        _ when item.Is("ignore_errors") => "ignored",
        "runner_on_unreachable" => "unreachable",
        _ => "failed",
    };

    Activity? Start(string kind, string? name, ActivityContext parent, DateTimeOffset at) =>
        JobsTelemetry.Source.StartActivity($"{kind} {name}", ActivityKind.Internal, parent, startTime: at)?.SetTag("job.id", _job);

    sealed record RunningHost(DateTimeOffset At)
    {
        public List<ActivityEvent> Notes { get; } = [];
    }

    sealed record TaskSpan(Activity? Span)
    {
        public Dictionary<string, RunningHost> Running { get; } = [];
        public Dictionary<string, int> Counts { get; } = [];
        public DateTimeOffset? LastResult { get; set; }
        public int Omitted { get; set; }

        public string Result =>
            Counts.ContainsKey("failed") || Counts.ContainsKey("unreachable") ? "failure"
            : Running.Count > 0 ? "cancellation"
            : Counts.Keys.Any(status => status != "skipped") ? "success" : "skip";
    }
}

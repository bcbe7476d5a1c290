using System.Diagnostics;
using AspireJobs.Jobs;
using Microsoft.Extensions.Options;

namespace AspireJobs.Worker.Ansible;

/// <summary>Runs playbooks with the installed ansible-playbook, which gets the current span as <c>TRACEPARENT</c>.</summary>
internal sealed class AnsiblePlaybook(IOptions<AnsibleOptions> options) : IPlaybookRunner
{
    /// <summary>Name of an inline source's playbook.</summary>
    public const string InlineName = "playbook.yml";

    const int ReadSize = 32 * 1024;

    readonly Lazy<AnsibleProgram> _program = new(() => AnsibleProgram.Find(options.Value.Command));

    /// <inheritdoc/>
    /// <exception cref="InvalidOperationException">ansible-playbook is not installed.</exception>
    public async Task<JobResult> RunAsync(PlaybookRun run, CancellationToken stop)
    {
        var files = new PlaybookFiles(run);
        try
        {
            var arguments = files.Prepare(stop);
            // Preparing may have taken a while, and no host was touched yet.
            if (stop.IsCancellationRequested)
                return new(JobOutcome.Cancelled);
            run.Begin(files.InventoryDigest);
            using var process = SupervisedProcess.Start(
                _program.Value.Python, [_program.Value.Playbook, .. arguments], run.SourceDirectory, files.Environment().Concat(TraceContext()));
            var result = await FollowAsync(process, run, stop);
            Activity.Current?.SetTag("process.executable.name", Path.GetFileName(_program.Value.Playbook)).SetTag("process.exit.code", result.ExitCode);
            return result;
        }
        catch (JobFailedException e)
        {
            await run.Log($"ERROR! {e.Message}\n", CancellationToken.None);
            return new(e.Outcome) { Failure = new(e.Outcome.Word(), e.Message) };
        }
        finally
        {
            files.RemoveSecrets();
        }
    }

    static async Task<JobResult> FollowAsync(SupervisedProcess process, PlaybookRun run, CancellationToken stop)
    {
        var outcome = new PlaybookOutcome(run);
        var events = new EventStream(run.Redactor);
        using var stopping = stop.Register(process.Stop);
        // Both streams at once: a full pipe that nobody reads would block the playbook.
        await AllOrAbandonAsync(process, ReadLogAsync(process.Output, run, outcome), ReadEventsAsync(process.Events, events, run, outcome));
        await process.WaitAsync();
        if (events.End is { } end)
            Activity.Current?.SetTag("process.pid", end.Pid);
        return outcome.Result(events, stop.IsCancellationRequested);
    }

    static async Task AllOrAbandonAsync(SupervisedProcess process, Task log, Task events)
    {
        try
        {
            await await Task.WhenAny(log, events);
            await Task.WhenAll(log, events);
        }
        catch
        {
            process.Abandon();
            await process.WaitAsync();
            throw;
        }
    }

    static async Task ReadLogAsync(Stream output, PlaybookRun run, PlaybookOutcome outcome)
    {
        var text = new LogText(run.Redactor);
        var bytes = new byte[ReadSize];
        int count;
        do
        {
            count = await output.ReadAsync(bytes);
            if (text.Read(bytes.AsSpan(0, count), last: count == 0) is { Length: > 0 } piece)
            {
                outcome.Observe(piece);
                await run.Log(piece, CancellationToken.None);
            }
        }
        while (count > 0);
    }

    static async Task ReadEventsAsync(Stream stream, EventStream events, PlaybookRun run, PlaybookOutcome outcome)
    {
        using var spans = new PlaybookSpans();
        // Numbered here, so that the numbers have no gap even when the stream has one.
        var seq = run.LastEventSeq;
        await events.ReadAsync(stream, async item =>
        {
            outcome.Observe(item);
            spans.Observe(item);
            await run.Event(new OutputEvent(++seq, item.At, item.Type, item.Fields.GetRawText()), CancellationToken.None);
        });
    }

    static IEnumerable<KeyValuePair<string, string>> TraceContext()
    {
        if (Activity.Current is not { IdFormat: ActivityIdFormat.W3C, Id: { } id } span)
            yield break;
        yield return new("TRACEPARENT", id);
        if (span.TraceStateString is { Length: > 0 } state)
            yield return new("TRACESTATE", state);
    }
}

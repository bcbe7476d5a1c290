using AspireJobs.Jobs;
using AspireJobs.Jobs.Credentials;
using AspireJobs.Worker.Ansible;
using AspireJobs.Worker.Sources;

namespace AspireJobs.Worker;

/// <summary>
/// Runs a job from its claim to its final state: fetch the source, open the credentials, run the playbook, store what is left of the output
/// together with the result. A worker that dies on the way leaves the job running under a lease that ends; the output stored so far stays.
/// </summary>
internal sealed class JobExecutor(
    IEnumerable<ISource> sources, JobCredentials credentials, IPlaybookRunner runner, AnsibleVersion version, PrivateDirectory directories, Settlement settlement,
    JobResults results, JobSignals signals, WorkerId worker, TimeProvider time, ILogger<JobExecutor> logger)
{
    readonly Dictionary<SourceType, ISource> _sources = sources.ToDictionary(source => source.Type);

    /// <summary>Returns when the job is final, or settled by somebody else.</summary>
    public async Task ExecuteAsync(Run run)
    {
        using var span = run.Span = Traces.StartExecution(run);
        JobsTelemetry.JobStarted(run.SourceType, run.Job.Attempt, run.Claimed.Waited);
        logger.JobStarted(run.Job.Id, run.SourceType.Word(), worker.Value, Math.Round(run.Claimed.Waited.TotalSeconds, 3));

        using var output = new OutputWriter(run, worker, results, signals, time, logger);
        var result = await ResultAsync(run, output);
        result = result with { Revision = run.Revision, Provenance = run.Provenance, TraceParent = span?.Id, Next = Next(run, result) };
        try
        {
            var (stored, settled) = await StepAsync("upload_logs", run, async () => await settlement.FinishAsync(run, result, await output.CloseAsync()));
            span.End(stored, settled);
        }
        catch (Exception e)
        {
            span.Fail(e);
            throw;
        }
    }

    async Task<JobResult> ResultAsync(Run run, OutputWriter output)
    {
        try
        {
            var result = await RunStepsAsync(run, output);
            // A run that came to its own end before the stop reached it ended as it did; one whose output is lost cannot be told from a failure.
            return run.Reason is { } reason && (result.Outcome == JobOutcome.Cancelled || reason == StopReason.OutputRefused) ? Stopped(run, reason, result) : result;
        }
        catch (OperationCanceledException) when (run.Reason is not null)
        {
            return Stopped(run, run.Reason.Value, null);
        }
        catch (Exception e) when (!run.PlaybookBegan && directories.IsToBlame(e))
        {
            // Another worker may have room. A job that meets this again and again is likely to be what fills the directories.
            return run.Claimed.HandedBack + 1 < JobUpkeep.MostWorkersLost
                ? Result(JobOutcome.WorkerLost, $"handed back before its playbook began, as worker {worker} cannot write to its work directory: {e.Message}") with { Next = NextAttempt.AtOnce }
                : Result(JobOutcome.InternalError, $"worker {worker} cannot write to its work directory: {e.Message}");
        }
        catch (JobFailedException e)
        {
            return Result(e.Outcome, e.Message);
        }
        catch (Exception e)
        {
            logger.JobFault(e, run.Job.Id);
            return Result(JobOutcome.InternalError, $"a fault of worker {worker}, whose log has the details");
        }
    }

    async Task<JobResult> RunStepsAsync(Run run, OutputWriter output)
    {
        using var directory = directories.ForJob();
        var key = await StoppableStepAsync("fetch_source", run, () => FetchAsync(run, directory, output));
        var opened = await StoppableStepAsync("resolve_credentials", run, () => credentials.OpenForPlaybookAsync(run.Job, run.Stopping));
        var secrets = key.Concat(opened).SelectMany(credential => credential.Secrets);
        await version.Asked.WaitAsync(run.Stopping);
        run.Provenance = run.Provenance! with { AnsibleVersion = version.Value is { Length: > 0 } known ? known : null };
        return await StoppableStepAsync("run_playbook", run, () => runner.RunAsync(new PlaybookRun
        {
            LastEventSeq = run.Claimed.LastEventSeq,
            Request = run.Job.Request,
            WorkDirectory = directory.Run,
            SourceDirectory = directory.Source,
            Credentials = opened,
            Redactor = new Redactor(secrets),
            Begin = run.BeginPlaybook,
            Log = output.LogAsync,
            Event = output.EventAsync,
        }, run.Stopping));
    }

    async Task<IReadOnlyList<Credential>> FetchAsync(Run run, JobDirectory directory, OutputWriter output)
    {
        var source = run.Job.Request.Source!;
        var key = await credentials.OpenAsync(run.Job.Id, source.Credential is { } name ? [name] : [], run.Stopping);
        var fetched = await _sources[run.SourceType].FetchAsync(new(source, key.SingleOrDefault(), directory.Source, directory.Fetch), run.Stopping);
        run.Revision = fetched.Revision;
        run.Provenance = new(null, fetched.Digest, null);
        if (fetched.Warning is { } warning)
            await output.LogAsync($"[WARNING]: {warning}\n", run.Stopping);
        return key;
    }

    Task<T> StoppableStepAsync<T>(string name, Run run, Func<Task<T>> step) => StepAsync(name, run, () =>
    {
        run.Stopping.ThrowIfCancellationRequested();
        return step();
    });

    async Task<T> StepAsync<T>(string name, Run run, Func<Task<T>> step)
    {
        using var span = Traces.StartStep(name, run);
        var started = time.GetTimestamp();
        try
        {
            var answer = await step();
            if (answer is JobResult { Outcome: JobOutcome.Cancelled, Failure: { } stop })
                span.Stopped(run.Reason, stop.Message);
            else if (answer is JobResult { Failure: { } failure })
                span.Fail(failure.ErrorType, failure.Message);
            return answer;
        }
        catch (OperationCanceledException e) when (run.Reason is not null)
        {
            span.Stopped(run.Reason, e.Message);
            throw;
        }
        catch (JobFailedException e)
        {
            span.Fail(e.Outcome.Word(), e.Message);
            throw;
        }
        catch (Exception e)
        {
            span.Fail(e);
            throw;
        }
        finally
        {
            JobsTelemetry.StageEnded(name, time.GetElapsedTime(started));
        }
    }

    static NextAttempt Next(Run run, JobResult result) =>
        run.Reason is StopReason.ShuttingDown or StopReason.NotRenewed && !run.PlaybookBegan ? NextAttempt.AtOnce
        : result.Next != NextAttempt.None ? result.Next
        : run.Job.Request.IsRetried(result.Outcome, run.Claimed.Try) ? NextAttempt.AfterBackoff
        : NextAttempt.None;

    JobResult Stopped(Run run, StopReason reason, JobResult? soFar)
    {
        var (outcome, message) = reason switch
        {
            StopReason.Cancelled => (JobOutcome.Cancelled, JobResults.CancelledWhileItRan),
            StopReason.TimedOut => (JobOutcome.TimedOut, $"stopped, as it ran longer than its timeout of {run.Job.Request.TimeoutSeconds} seconds"),
            StopReason.Idle => (JobOutcome.IdleTimedOut, $"stopped, as it gave no output for its idle timeout of {run.Job.Request.IdleTimeoutSeconds} seconds"),
            StopReason.ShuttingDown when !run.PlaybookBegan => (JobOutcome.WorkerLost, $"handed back before its playbook began, as worker {worker} was shut down"),
            StopReason.ShuttingDown => (JobOutcome.WorkerLost, $"stopped, as worker {worker} was shut down"),
            StopReason.OutputRefused => (JobOutcome.InternalError, "stopped, as its output could not be stored"),
            _ when !run.PlaybookBegan => (JobOutcome.WorkerLost, $"handed back before its playbook began, as worker {worker} could not reach the database for too long"),
            _ => (JobOutcome.WorkerLost, $"stopped, as worker {worker} could not reach the database for too long"),
        };
        return Result(outcome, message) with { ExitCode = soFar?.ExitCode, Hosts = soFar?.Hosts };
    }

    static JobResult Result(JobOutcome outcome, string message) => new(outcome) { Failure = new JobFailure(outcome.Word(), message) };
}

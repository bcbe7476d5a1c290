using AspireJobs.Jobs;
using AspireJobs.Worker.Ansible;

namespace AspireJobs.NoopWorker;

/// <summary>Succeeds at once, with the recap that a playbook of one task leaves.</summary>
sealed class NoopRunner : IPlaybookRunner
{
    static readonly JobResult Done = new(JobOutcome.Success)
    {
        ExitCode = 0,
        Hosts = new Dictionary<string, HostSummary> { ["localhost"] = new(Ok: 1, Changed: 0, Unreachable: 0, Failed: 0, Skipped: 0, Rescued: 0, Ignored: 0) },
    };

    public Task<JobResult> RunAsync(PlaybookRun run, CancellationToken stop) => Task.FromResult(Done);
}

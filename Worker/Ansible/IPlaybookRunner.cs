using AspireJobs.Jobs;

namespace AspireJobs.Worker.Ansible;

/// <summary>Runs playbooks: with Ansible, or, where only the worker itself is measured, not at all.</summary>
internal interface IPlaybookRunner
{
    /// <summary>
    /// Runs a playbook and tells how it ended. Returns when every process of the run is dead, also those that left its session. An exception
    /// of a delegate of the run stops the run and is thrown.
    /// </summary>
    /// <param name="run">The run.</param>
    /// <param name="stop">Stops the run. The result is then <see cref="JobOutcome.Cancelled"/>, unless the run had come to its own end before.</param>
    Task<JobResult> RunAsync(PlaybookRun run, CancellationToken stop);
}

using AspireJobs.Jobs;

namespace AspireJobs.Worker;

/// <summary>A step of a job did not succeed. The message is for the caller: one sentence, free of secrets.</summary>
internal sealed class JobFailedException(JobOutcome outcome, string message) : Exception(message)
{
    public JobOutcome Outcome => outcome;
}

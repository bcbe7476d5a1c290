using StackExchange.Redis;

namespace AspireJobs.Jobs;

/// <summary>Every name in Redis, and how long to wait for it. All of it can be lost: Postgres holds the truth.</summary>
static class QueueKeys
{
    /// <summary>Longest wait for an answer: the client itself may wait for ever for a Redis that hangs.</summary>
    public static readonly TimeSpan LongestCommand = TimeSpan.FromSeconds(3);

    /// <summary>What the queue holds of a waiting job: the trace parent with which its row was stored.</summary>
    public static RedisKey Entry(JobId id) => $"jobs:queued:{id}";

    /// <summary>Says that jobs were put into the queue.</summary>
    public const string Enqueued = "jobs:enqueued";

    /// <summary>Carries the id of a worker whose orders have changed.</summary>
    public const string Worker = "jobs:worker";

    /// <summary>Carries the id of a running job that is to stop.</summary>
    public const string Cancel = "jobs:cancel";

    /// <summary>Says that callbacks became due.</summary>
    public const string CallbackDue = "jobs:callback-due";

    /// <summary>Says that a job has new output or became final.</summary>
    public static string Output(JobId id) => $"jobs:output:{id}";
}

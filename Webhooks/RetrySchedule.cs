namespace AspireJobs.Webhooks;

/// <summary>When a failed delivery is tried again: ten attempts over 75 to 90 hours, as Standard Webhooks proposes.</summary>
sealed class RetrySchedule(Random random)
{
    /// <summary>Longest wait that a receiver can ask for.</summary>
    public static readonly TimeSpan LongestRetryAfter = TimeSpan.FromHours(24);

    static readonly TimeSpan[] Waits =
    [
        TimeSpan.FromSeconds(5), TimeSpan.FromMinutes(5), TimeSpan.FromMinutes(30), TimeSpan.FromHours(2), TimeSpan.FromHours(5),
        TimeSpan.FromHours(10), TimeSpan.FromHours(14), TimeSpan.FromHours(20), TimeSpan.FromHours(24),
    ];

    /// <summary>
    /// The wait after a failed attempt (1 is the first), or null after the last. A receiver can ask for a longer wait than
    /// the schedule's, not for a shorter one. Up to a fifth is added by chance, so that what failed together does not return together.
    /// </summary>
    public TimeSpan? After(int attempt, TimeSpan? retryAfter)
    {
        if (attempt > Waits.Length)
            return null;
        var wait = Waits[attempt - 1];
        var asked = retryAfter < LongestRetryAfter ? retryAfter.Value : retryAfter is null ? TimeSpan.Zero : LongestRetryAfter;
        return (asked > wait ? asked : wait) * (1 + random.NextDouble() / 5);
    }
}

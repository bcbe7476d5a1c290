namespace AspireJobs.Jobs.Schedules;

/// <summary>What a fire does while the job of the schedule's last fire is not final.</summary>
public enum Overlap
{
    /// <summary>Nothing: it is skipped, and counted.</summary>
    Skip,

    /// <summary>Its job is submitted all the same.</summary>
    Queue,
}

/// <summary>What became of a fire.</summary>
public enum FireResult
{
    /// <summary>Its job was submitted.</summary>
    Submitted,

    /// <summary>The job of an earlier fire was not final.</summary>
    Skipped,

    /// <summary>Nobody was there to fire it in time.</summary>
    Missed,
}

/// <summary>What a caller wants to recur.</summary>
public sealed record SchedulePlan
{
    // The serializer keeps the default of an absent field only where there is a setter.

    /// <summary>When: a cron expression of five fields, or a macro such as <c>@daily</c>. Required.</summary>
    public string? Cron { get; init; }

    /// <summary>The zone of the expression's times, by its IANA name; UTC when absent.</summary>
    public string TimeZone { get; set; } = "UTC";

    /// <summary>What a fire does while the job of the last one is not final; <c>skip</c> when absent.</summary>
    public Overlap Overlap { get; init; }

    /// <summary>
    /// 60 to 604,800, 3,600 when absent: how late a fire may be. Of several that nobody was there for, only the latest is made up.
    /// </summary>
    public int CatchUpSeconds { get; set; } = 3600;

    /// <summary>It does not fire.</summary>
    public bool Paused { get; init; }

    /// <summary>The job of each fire. Required.</summary>
    public JobRequest? Request { get; init; }
}

/// <summary>A schedule as callers see it.</summary>
public sealed record Schedule
{
    /// <summary>Its name.</summary>
    public required string Name { get; init; }

    /// <summary>Name of the API key in whose name its jobs are submitted.</summary>
    public required string ApiKeyName { get; init; }

    /// <summary>The cron expression.</summary>
    public required string Cron { get; init; }

    /// <summary>IANA name of the zone of its times.</summary>
    public required string TimeZone { get; init; }

    /// <summary>What a fire does while the job of the last one is not final.</summary>
    public required Overlap Overlap { get; init; }

    /// <summary>How late a fire may be.</summary>
    public required int CatchUpSeconds { get; init; }

    /// <summary>It does not fire.</summary>
    public required bool Paused { get; init; }

    /// <summary>The job of each fire; null if it cannot be read.</summary>
    public JobRequest? Request { get; init; }

    /// <summary>The next times at which it fires, at most five; none while it is paused, or cannot fire.</summary>
    public IReadOnlyList<DateTimeOffset> NextAt { get; init; } = [];

    /// <summary>Why it cannot fire as it stands, such as a time zone that is not known here any more.</summary>
    public string? Fault { get; init; }

    /// <summary>The last time for which it fired, or should have.</summary>
    public DateTimeOffset? LastAt { get; init; }

    /// <summary>What became of that.</summary>
    public FireResult? LastResult { get; init; }

    /// <summary>The last job that it submitted.</summary>
    public JobId? LastJobId { get; init; }

    /// <summary>How many jobs it has submitted.</summary>
    public required long Submitted { get; init; }

    /// <summary>How many fires were skipped.</summary>
    public required long Skipped { get; init; }

    /// <summary>How many fires were missed.</summary>
    public required long Missed { get; init; }

    /// <summary>When it was made.</summary>
    public required DateTimeOffset CreatedAt { get; init; }

    /// <summary>When a caller last changed it.</summary>
    public required DateTimeOffset UpdatedAt { get; init; }
}

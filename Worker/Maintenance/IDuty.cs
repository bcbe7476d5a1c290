namespace AspireJobs.Worker.Maintenance;

/// <summary>Work that one worker does for all of them.</summary>
internal interface IDuty
{
    /// <summary>Then a duty that has more to do leaves the rest for its next turn: there are others, some of which cannot wait.</summary>
    static readonly TimeSpan LongestTurn = TimeSpan.FromSeconds(1);

    /// <summary>What it is, for the log: "looking for lost jobs".</summary>
    string Name { get; }

    /// <summary>How often it is done.</summary>
    TimeSpan Every { get; }

    /// <summary>Does it once. It may be done by two workers at the same time for a moment, so that has to be harmless.</summary>
    Task DoAsync(CancellationToken cancellationToken);
}

namespace AspireJobs.Jobs;

/// <summary>
/// The order in which jobs of a queue start: by priority, then by turn, then by age. Turns let callers alternate: a job stands one turn behind
/// the last waiting job of its own caller, and one of a caller of whom none waits behind the turn up to which the line has been served. So whoever
/// submits a thousand jobs delays another's single job by one job, not by a thousand.
/// </summary>
static class JobOrder
{
    /// <summary>Columns by which jobs start, in SQL.</summary>
    public const string By = "priority desc, turn, id";

    /// <summary>The same across queues, whose turns cannot be compared: one job of each line, beginning with the line that was served longest ago.</summary>
    public const string AcrossQueues = "priority desc, nth_of_line, served_at nulls first, id";

    /// <summary>
    /// The turn of whoever enters <c>line (queue, priority, api_key_id)</c> next, in SQL. Two that enter at the same time may get the same turn, which
    /// only makes these callers equal.
    /// </summary>
    public const string NextTurn =
        """
        1 + greatest(
            (select turn from jobs
                where turn is not null and (jobs.queue, jobs.priority) = (line.queue, line.priority)
                    -- the caller as a range: in this order only the index by callers has them, so none is taken that is read past all other callers' jobs
                    and jobs.api_key_id between line.api_key_id and line.api_key_id
                order by jobs.api_key_id desc, turn desc limit 1),
            (select served from lines where (lines.queue, lines.priority) = (line.queue, line.priority)),
            -1)
        """;
}

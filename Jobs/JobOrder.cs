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
    /// Common table expressions that turn <c>entrant (id, queue, priority, api_key_id)</c> into <c>placed (id, turn)</c>. Two of them at the
    /// same time may hand out the same turns, which only makes these callers equal.
    /// </summary>
    public const string Place =
        """
        line as materialized (
            select queue, priority, api_key_id, 1 + greatest(
                (select turn from jobs
                    where turn is not null and (jobs.queue, jobs.priority, jobs.api_key_id) = (caller.queue, caller.priority, caller.api_key_id)
                    order by turn desc limit 1),
                (select served from lines where (lines.queue, lines.priority) = (caller.queue, caller.priority)),
                -1) as first
            from (select distinct queue, priority, api_key_id from entrant) caller
        ), placed as (
            select entrant.id, line.first + row_number() over (partition by queue, priority, api_key_id order by entrant.id) - 1 as turn
            from entrant join line using (queue, priority, api_key_id)
        )
        """;
}

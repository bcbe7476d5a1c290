using Microsoft.Extensions.Logging;
using Npgsql;

namespace AspireJobs.Jobs.Webhooks;

/// <summary>Where a delivery stands.</summary>
public enum DeliveryStatus
{
    /// <summary>Owed: not yet tried, or to be tried again.</summary>
    Pending,

    /// <summary>The receiver answered with a 2xx code.</summary>
    Delivered,

    /// <summary>Given up: every attempt failed, or the receiver wants no more.</summary>
    Failed,
}

/// <summary>A delivery as callers see it.</summary>
/// <param name="Id">The <c>webhook-id</c> that the receiver gets, the same for every attempt.</param>
/// <param name="Status">Where it stands.</param>
/// <param name="Attempt">Attempts begun.</param>
/// <param name="LastStatusCode">HTTP status of the last answer, if there was one.</param>
/// <param name="LastError">What went wrong last.</param>
/// <param name="NextAttemptAt">When it is tried next, at the earliest; absent once it is settled.</param>
/// <param name="CreatedAt">When the job became final.</param>
/// <param name="FinishedAt">When it was settled.</param>
public sealed record Delivery(
    string Id, DeliveryStatus Status, int Attempt, int? LastStatusCode, string? LastError,
    DateTimeOffset? NextAttemptAt, DateTimeOffset CreatedAt, DateTimeOffset? FinishedAt);

/// <summary>A delivery that a sender holds until its lease ends.</summary>
/// <param name="Id">The delivery.</param>
/// <param name="Attempt">1 for the first attempt; the fence that the sender's result must pass.</param>
/// <param name="Receiver">Host and port of the callback URL.</param>
/// <param name="Job">The final job.</param>
/// <param name="ApiKeyId">The API key whose secret signs.</param>
/// <param name="TraceParent">W3C context of the job.</param>
public sealed record DueDelivery(Guid Id, int Attempt, string Receiver, Job Job, Guid ApiKeyId, string? TraceParent)
{
    /// <summary>The <c>webhook-id</c>: the same for every attempt, so that a receiver can drop what it has already seen.</summary>
    public string WebhookId => DeliveryStore.WebhookId(Id);
}

/// <summary>What a claim got, and how long it is until the next delivery is due: zero or less if one is due already, null if none is owed.</summary>
public sealed record DueDeliveries(IReadOnlyList<DueDelivery> Claimed, TimeSpan? UntilNext);

/// <summary>
/// The callbacks owed. The database writes one when a job becomes final (see the trigger); senders claim those due. A claim
/// puts the next attempt at the end of a lease, so a sender that dies leaves its deliveries to be sent again: at least once.
/// </summary>
public sealed class DeliveryStore(NpgsqlDataSource db, ILogger<DeliveryStore> log)
{
    /// <summary>The <c>webhook-id</c> of a delivery.</summary>
    public static string WebhookId(Guid id) => $"msg_{id:N}";

    /// <summary>
    /// Takes deliveries that are due, longest due first, passing over receivers that are busy. Senders at the same time get
    /// different ones. Each must be settled by the other methods before <paramref name="lease"/> ends, or it is due again; so is one whose job
    /// cannot be read, which is not returned.
    /// </summary>
    public async Task<DueDeliveries> ClaimAsync(int limit, IReadOnlyCollection<string> busyReceivers, TimeSpan lease, CancellationToken cancellationToken)
    {
        var busy = busyReceivers.ToArray();
        await using var batch = db.CreateBatch();
        batch.BatchCommands.Add(Sql.BatchCommand(
            $"""
            with due as materialized (
                select id from webhook_deliveries
                where status = 'pending' and next_attempt_at <= now() and receiver <> all($2)
                order by next_attempt_at limit $1
                for update skip locked
            ), claimed as (
                update webhook_deliveries set attempt = attempt + 1, next_attempt_at = now() + $3
                from due where webhook_deliveries.id = any(array(select id from due)) and webhook_deliveries.id = due.id
                returning webhook_deliveries.id as delivery_id, job_id, attempt as delivery_attempt, receiver
            )
            select {JobRow.Columns}, delivery_id, delivery_attempt, receiver, api_key_id, trace_parent
            from claimed join jobs on jobs.id = job_id
            where jobs.id = any(array(select job_id from claimed))
            """, limit, busy, lease));
        // A statement of its own: it has to see what the first has moved. Both go in one round trip and one transaction.
        batch.BatchCommands.Add(Sql.BatchCommand(
            """
            select extract(epoch from next_attempt_at - now())::float8 from webhook_deliveries
            where status = 'pending' and receiver <> all($1)
            order by next_attempt_at limit 1
            """, (object)busy));
        await using var reader = await batch.ExecuteReaderAsync(cancellationToken);
        var claimed = new List<DueDelivery>();
        while (await reader.ReadAsync(cancellationToken))
            if (JobRow.TryRead(reader, log) is { } job)
                claimed.Add(Due(job, reader));
        await reader.NextResultAsync(cancellationToken);
        return new(claimed, await reader.ReadAsync(cancellationToken) ? TimeSpan.FromSeconds(reader.GetDouble(0)) : null);
    }

    /// <summary>Settles a delivery that the receiver took. False: the lease had ended and the result no longer counts.</summary>
    public Task<bool> DeliveredAsync(DueDelivery delivery, int statusCode, CancellationToken cancellationToken) =>
        RecordAsync(delivery, DeliveryStatus.Delivered, statusCode, null, TimeSpan.Zero, cancellationToken);

    /// <summary>Records a failed attempt, to be repeated. False: the lease had ended and the result no longer counts.</summary>
    public Task<bool> RetryAsync(DueDelivery delivery, int? statusCode, string error, TimeSpan after, CancellationToken cancellationToken) =>
        RecordAsync(delivery, DeliveryStatus.Pending, statusCode, error, after, cancellationToken);

    /// <summary>Records a failed attempt, the last. False: the lease had ended and the result no longer counts.</summary>
    public Task<bool> GiveUpAsync(DueDelivery delivery, int? statusCode, string error, CancellationToken cancellationToken) =>
        RecordAsync(delivery, DeliveryStatus.Failed, statusCode, error, TimeSpan.Zero, cancellationToken);

    /// <summary>The deliveries of a job, oldest first; none for a job without callback URL or one that is not final.</summary>
    public Task<List<Delivery>> OfJobAsync(JobId job, CancellationToken cancellationToken) =>
        db.Command(
            """
            select id, status, attempt, last_status_code, last_error, case status when 'pending' then next_attempt_at end, created_at, finished_at
            from webhook_deliveries where job_id = $1 order by created_at, id
            """, job.Value)
            .QueryAsync(row => new Delivery(
                WebhookId(row.GetGuid(0)), SnakeCase.Value<DeliveryStatus>(row.GetString(1)), row.GetInt32(2),
                row.Nullable<int>(3), row.Text(4), row.Nullable<DateTimeOffset>(5),
                row.GetFieldValue<DateTimeOffset>(6), row.Nullable<DateTimeOffset>(7)), cancellationToken);

    async Task<bool> RecordAsync(
        DueDelivery delivery, DeliveryStatus status, int? statusCode, string? error, TimeSpan after, CancellationToken cancellationToken) =>
        await db.Command(
            """
            update webhook_deliveries set status = $3, last_status_code = $4, last_error = $5, next_attempt_at = now() + $6,
                finished_at = case when $3 <> 'pending' then now() end
            where id = $1 and attempt = $2 and status = 'pending'
            """,
            delivery.Id, delivery.Attempt, status.Word(), statusCode, error, after)
            .ExecuteAsync(cancellationToken) == 1;

    static DueDelivery Due(Job job, NpgsqlDataReader row) =>
        new(row.GetGuid(JobRow.Count), row.GetInt32(JobRow.Count + 1), row.GetString(JobRow.Count + 2), job, row.GetGuid(JobRow.Count + 3), row.Text(JobRow.Count + 4));
}

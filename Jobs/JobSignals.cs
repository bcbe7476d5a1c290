using StackExchange.Redis;

namespace AspireJobs.Jobs;

/// <summary>
/// Wake-ups between the processes, over Redis publish/subscribe. A signal may get lost with the connection, so every
/// waiter also looks by itself now and then; a connection that comes back counts as a signal.
/// </summary>
public sealed class JobSignals(IConnectionMultiplexer redis)
{
    /// <summary>Asks the worker that runs the job to stop it.</summary>
    public Task CancelAsync(JobId id) => PublishAsync(QueueKeys.Cancel, id.ToString());

    /// <summary>Wakes the workers: jobs may start that could not before.</summary>
    public Task ReadyAsync() => PublishAsync(QueueKeys.Enqueued, "");

    /// <summary>Tells a worker that its orders have changed.</summary>
    public Task WorkerAsync(string workerId) => PublishAsync(QueueKeys.Worker, workerId);

    /// <summary>Tells followers that a job has new output or became final.</summary>
    public Task OutputAsync(JobId id) => PublishAsync(QueueKeys.Output(id), "");

    /// <summary>Tells the sender that callbacks are due.</summary>
    public Task CallbackDueAsync() => PublishAsync(QueueKeys.CallbackDue, "");

    /// <summary>Calls back when jobs may start that could not before.</summary>
    public Task<IAsyncDisposable> OnReadyAsync(Action woken) => SubscribeAsync(QueueKeys.Enqueued, _ => woken());

    /// <summary>Calls back when the orders of this worker have changed.</summary>
    public Task<IAsyncDisposable> OnWorkerAsync(string workerId, Action changed) => SubscribeAsync(QueueKeys.Worker, message =>
    {
        if (message is null || message == workerId)
            changed();
    });

    /// <summary>Calls back with the id of a job that is to stop.</summary>
    public Task<IAsyncDisposable> OnCancelAsync(Action<JobId> cancelled) => SubscribeAsync(QueueKeys.Cancel, message =>
    {
        if (JobId.TryParse(message, out var id))
            cancelled(id);
    });

    /// <summary>Calls back when the job has new output or became final.</summary>
    public Task<IAsyncDisposable> OnOutputAsync(JobId id, Action woken) => SubscribeAsync(QueueKeys.Output(id), _ => woken());

    /// <summary>Calls back when callbacks are due.</summary>
    public Task<IAsyncDisposable> OnCallbackDueAsync(Action woken) => SubscribeAsync(QueueKeys.CallbackDue, _ => woken());

    async Task PublishAsync(string channel, string message)
    {
        try
        {
            await redis.GetSubscriber().PublishAsync(Channel(channel), message, CommandFlags.FireAndForget);
        }
        catch (RedisException)
        {
            // Redis is away. The waiter looks by itself within seconds, and what it waits for is in Postgres.
        }
    }

    async Task<IAsyncDisposable> SubscribeAsync(string channel, Action<string?> received)
    {
        var subscriber = redis.GetSubscriber();
        Action<RedisChannel, RedisValue> handler = (_, message) => received(message);
        EventHandler<ConnectionFailedEventArgs> restored = (_, _) => received(null);
        redis.ConnectionRestored += restored;
        try
        {
            await subscriber.SubscribeAsync(Channel(channel), handler).WaitAsync(QueueKeys.LongestCommand);
        }
        catch (Exception e) when (e is RedisException or TimeoutException)
        {
            // Remembered by the client, which subscribes when the connection is back.
        }
        return new Subscription(async () =>
        {
            redis.ConnectionRestored -= restored;
            try
            {
                await subscriber.UnsubscribeAsync(Channel(channel), handler).WaitAsync(QueueKeys.LongestCommand);
            }
            catch (Exception e) when (e is RedisException or TimeoutException)
            {
                // The subscription went with the connection.
            }
        });
    }

    static RedisChannel Channel(string name) => new(name, RedisChannel.PatternMode.Literal);

    sealed class Subscription(Func<ValueTask> dispose) : IAsyncDisposable
    {
        public ValueTask DisposeAsync() => dispose();
    }
}

using AspireJobs.Jobs;
using AspireJobs.Jobs.Webhooks;
using Microsoft.Extensions.Options;

namespace AspireJobs.Webhooks;

/// <summary>Starts the attempts that are due, as many as there are free slots, and sleeps until a signal comes or the next one is due.</summary>
sealed class DeliveryLoop(
    DeliveryStore store, DeliveryAttempt attempt, JobSignals signals, IOptions<WebhooksOptions> options, TimeProvider time, ILogger<DeliveryLoop> logger)
    : BackgroundService
{
    // A signal may have been lost with Redis; looking costs one index lookup.
    static readonly TimeSpan LongestSleep = TimeSpan.FromSeconds(10);

    // Against spinning while a row that is due is locked by another sender.
    static readonly TimeSpan ShortestSleep = TimeSpan.FromMilliseconds(20);

    static readonly TimeSpan FirstBackoff = TimeSpan.FromSeconds(1);
    static readonly TimeSpan LongestBackoff = TimeSpan.FromSeconds(4);

    static readonly TimeSpan StopGrace = TimeSpan.FromSeconds(5);

    readonly SendSlots _slots = new(options.Value.Concurrency);
    readonly Signal _wake = new(time);
    readonly CancellationTokenSource _abort = new(Timeout.InfiniteTimeSpan, time);
    TimeSpan _backoff;
    int _stalled;

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        await using var subscription = await signals.OnCallbackDueAsync(_wake.Set);
        try
        {
            while (true)
                await _wake.WaitAsync(await StartDueAsync(stoppingToken), stoppingToken);
        }
        finally
        {
            await DrainAsync();
        }
    }

    /// <summary>Starts what is due and returns how long to sleep, if nothing happens.</summary>
    async Task<TimeSpan> StartDueAsync(CancellationToken cancellationToken)
    {
        try
        {
            // With no slot free, the attempt that ends first wakes the loop.
            while (_slots.Free is > 0 and var free)
            {
                var limit = Math.Min(free, _slots.PerReceiver);
                var due = await store.ClaimAsync(limit, _slots.BusyReceivers, options.Value.Lease, cancellationToken);
                _backoff = TimeSpan.Zero;
                Succeeded();
                foreach (var delivery in due.Claimed)
                    Start(delivery);
                if (due.Claimed.Count < limit)
                    return Clamp(due.UntilNext ?? LongestSleep);
            }
            return LongestSleep;
        }
        catch (Exception exception) when (!cancellationToken.IsCancellationRequested)
        {
            Failed(exception);
            return _backoff = _backoff == TimeSpan.Zero ? FirstBackoff : _backoff < LongestBackoff ? _backoff * 2 : LongestBackoff;
        }
    }

    void Start(DueDelivery delivery)
    {
        _slots.Take(delivery.Receiver);
        _ = RunAsync(delivery);
    }

    async Task RunAsync(DueDelivery delivery)
    {
        try
        {
            await attempt.RunAsync(delivery, _abort.Token);
        }
        catch (OperationCanceledException) when (_abort.IsCancellationRequested)
        {
            // Stopped before the answer came: the delivery is due again when its lease ends.
        }
        catch (Exception exception)
        {
            Failed(exception);
        }
        finally
        {
            _slots.Release(delivery.Receiver);
            _wake.Set();
        }
    }

    /// <summary>Lets attempts under way end, for a while.</summary>
    async Task DrainAsync()
    {
        _abort.CancelAfter(StopGrace);
        while (!_slots.AllFree)
            await _wake.WaitAsync(Timeout.InfiniteTimeSpan, CancellationToken.None);
    }

    /// <summary>One line when trouble begins, however long it lasts and however many attempts it hits.</summary>
    void Failed(Exception exception)
    {
        if (Interlocked.Exchange(ref _stalled, 1) == 0)
            Log.DeliveriesStalled(logger, exception);
    }

    void Succeeded()
    {
        if (Interlocked.Exchange(ref _stalled, 0) == 1)
            Log.DeliveriesResumed(logger);
    }

    static TimeSpan Clamp(TimeSpan sleep) => sleep < ShortestSleep ? ShortestSleep : sleep > LongestSleep ? LongestSleep : sleep;

    public override void Dispose()
    {
        base.Dispose();
        _wake.Dispose();
        _abort.Dispose();
    }
}

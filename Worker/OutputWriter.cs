using AspireJobs.Jobs;
using Npgsql;

namespace AspireJobs.Worker;

/// <summary>Stores the output of a run while it runs, in few round trips, and tells the followers.</summary>
internal sealed class OutputWriter : IDisposable
{
    static readonly TimeSpan Little = TimeSpan.FromMilliseconds(200);

    readonly Run _run;
    readonly WorkerId _worker;
    readonly JobResults _results;
    readonly JobSignals _signals;
    readonly ILogger _logger;
    readonly Outage _outage;
    readonly OutputBuffer _buffer;
    readonly Task _pump;
    JobProvenance? _stored;

    public OutputWriter(Run run, WorkerId worker, JobResults results, JobSignals signals, TimeProvider time, ILogger logger)
    {
        _run = run;
        _worker = worker;
        _results = results;
        _signals = signals;
        _logger = logger;
        _outage = new Outage($"storing output of {run.Job.Id}", time, logger);
        _buffer = new OutputBuffer(run.Claimed.LastLogSeq, time);
        _pump = PumpAsync();
    }

    /// <summary>Adds log text, free of secrets. Waits while too much is unstored.</summary>
    public ValueTask LogAsync(string text, CancellationToken cancellationToken) => AddedAsync(_buffer.AddAsync(text, cancellationToken));

    /// <summary>Adds an event. Waits while too much is unstored.</summary>
    public ValueTask EventAsync(OutputEvent item, CancellationToken cancellationToken) => AddedAsync(_buffer.AddAsync(item, cancellationToken));

    ValueTask AddedAsync(ValueTask added)
    {
        _run.Output();
        return added.IsCompletedSuccessfully ? added : WaitAsync();

        // The playbook is silent meanwhile because nobody listens.
        async ValueTask WaitAsync()
        {
            _run.HoldUp();
            try
            {
                await added;
            }
            finally
            {
                _run.GoOn();
            }
        }
    }

    /// <summary>Ends the storing and returns what is left, which goes with the final state.</summary>
    public async Task<JobOutputBatch> CloseAsync()
    {
        _buffer.Close();
        await _pump;
        return _buffer.Take();
    }

    async Task PumpAsync()
    {
        // A run that talks for hours would fill its trace with these.
        using var untraced = Traces.Suppress();
        try
        {
            // What is left when it is closed goes with the final state.
            while (await _buffer.GatherAsync(Little))
            {
                if (!await StoreAsync(WithProvenance(_buffer.Take())))
                {
                    Abandon(StopReason.LeaseLost);
                    return;
                }
                await _signals.OutputAsync(_run.Job.Id);
            }
        }
        catch (OperationCanceledException)
        {
            Abandon(StopReason.LeaseLost);
        }
        catch (Exception e)
        {
            _logger.OutputRefused(e, _run.Job.Id);
            Abandon(StopReason.OutputRefused);
        }
    }

    JobOutputBatch WithProvenance(JobOutputBatch batch)
    {
        if (_run.Provenance is not { } known || known == _stored)
            return batch;
        _stored = known;
        return batch with { Revision = _run.Revision, Provenance = known };
    }

    Task<bool> StoreAsync(JobOutputBatch batch)
    {
        var sentBefore = false;
        return _outage.UntilAnsweredAsync(async () =>
        {
            try
            {
                return await _results.AppendAsync(_worker.Value, _run.Lease, batch, CancellationToken.None);
            }
            catch (PostgresException e) when (sentBefore && e.SqlState == PostgresErrorCodes.UniqueViolation)
            {
                // Stored by the call whose answer got lost: the same batch was sent again, unchanged.
                return true;
            }
            finally
            {
                sentBefore = true;
            }
        }, _run.Lost);
    }

    void Abandon(StopReason reason)
    {
        _buffer.Discard();
        _run.Stop(reason);
    }

    public void Dispose() => _buffer.Dispose();
}

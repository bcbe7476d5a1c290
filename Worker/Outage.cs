using AspireJobs.Jobs;

namespace AspireJobs.Worker;

/// <summary>
/// The stretch of time in which something fails again and again: one log line when it begins, one when it ends, and growing pauses
/// with jitter in between, so that the workers do not all come back in the same instant.
/// </summary>
internal sealed class Outage(string activity, TimeProvider time, ILogger logger)
{
    static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(200);
    static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(2);

    long _began;
    TimeSpan _pause;

    /// <summary>Notes a failure and says how long to wait before the next try.</summary>
    public TimeSpan Failed(Exception exception)
    {
        if (_pause == default)
        {
            _began = time.GetTimestamp();
            _pause = FirstPause;
            logger.OutageBegan(activity, exception.Message);
        }
        else
        {
            _pause = _pause * 2 < LongestPause ? _pause * 2 : LongestPause;
        }
        return _pause * (0.5 + Random.Shared.NextDouble());
    }

    /// <summary>Notes a success.</summary>
    public void Over()
    {
        if (_pause == default)
            return;
        _pause = default;
        logger.OutageEnded(activity, time.GetElapsedTime(_began).TotalSeconds);
    }

    /// <summary>Calls until there is an answer: a fault that may pass is waited out, any other one is thrown.</summary>
    public async Task<T> UntilAnsweredAsync<T>(Func<Task<T>> call, CancellationToken giveUp)
    {
        while (true)
        {
            try
            {
                giveUp.ThrowIfCancellationRequested();
                var answer = await call();
                Over();
                return answer;
            }
            catch (Exception e) when (JobsDatabase.MayPass(e))
            {
                await Task.Delay(Failed(e), time, giveUp);
            }
        }
    }
}

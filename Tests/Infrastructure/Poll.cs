namespace AspireJobs.Tests.Infrastructure;

/// <summary>For what gives no signal.</summary>
static class Poll
{
    static readonly TimeSpan BetweenLooks = TimeSpan.FromMilliseconds(50);

    /// <summary>Returns when the condition holds.</summary>
    public static async Task UntilAsync(Func<Task<bool>> condition)
    {
        while (!await condition())
            await Task.Delay(BetweenLooks, TimeProvider.System, TestContext.Current.CancellationToken);
    }
}

using System.Globalization;

namespace AspireJobs.Tests.Chaos;

/// <summary>How long the faults last and how many random ones there are: the long form, which <c>./test chaos</c> asks for, or the short one.</summary>
static class Form
{
    static readonly string? Asked = Environment.GetEnvironmentVariable("CHAOS_KILLS");

    /// <summary>Number of random faults.</summary>
    public static readonly int Kills = Asked is null ? 10 : int.Parse(Asked, CultureInfo.InvariantCulture);

    /// <summary>Makes the random faults of an earlier run again, in their order; their moments differ.</summary>
    public static readonly int Seed = Environment.GetEnvironmentVariable("CHAOS_SEED") is { Length: > 0 } seed ? int.Parse(seed, CultureInfo.InvariantCulture) : Environment.TickCount;

    /// <summary>How long a store stays away.</summary>
    public static readonly TimeSpan Away = TimeSpan.FromSeconds(Asked is null ? 4 : 30);

    public static Task PauseAsync(TimeSpan time) => Task.Delay(time, TimeProvider.System, TestContext.Current.CancellationToken);

    /// <summary>Tells something at once.</summary>
    public static void Say(string text) => TestContext.Current.TestOutputHelper!.WriteLine($"{TimeProvider.System.GetUtcNow():HH:mm:ss} {text}");
}

using AspireJobs.Webhooks;

namespace AspireJobs.Tests.Webhooks;

public sealed class RetryScheduleTests
{
    readonly RetrySchedule _schedule = new(new Random(1));

    [Fact]
    public void Waits_grow_from_five_seconds_to_a_day_and_end_after_ten_attempts()
    {
        var waits = Enumerable.Range(1, 10).Select(attempt => _schedule.After(attempt, null)).ToList();

        Assert.InRange(waits[0]!.Value.TotalSeconds, 5, 6);
        Assert.InRange(waits[8]!.Value.TotalHours, 24, 28.8);
        Assert.Equal(waits.Take(9).Order(), waits.Take(9));
        Assert.Null(waits[9]);
    }

    [Fact]
    public void A_receiver_can_ask_for_a_longer_wait_but_not_for_a_shorter_or_endless_one()
    {
        Assert.InRange(_schedule.After(1, TimeSpan.FromMinutes(1))!.Value.TotalSeconds, 60, 72);
        Assert.InRange(_schedule.After(1, TimeSpan.FromSeconds(1))!.Value.TotalSeconds, 5, 6);
        Assert.InRange(_schedule.After(1, TimeSpan.FromDays(365))!.Value.TotalHours, 24, 28.8);
    }
}

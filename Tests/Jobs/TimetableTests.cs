using AspireJobs.Jobs.Schedules;

namespace AspireJobs.Tests.Jobs;

/// <summary>When a schedule fires.</summary>
public sealed class TimetableTests
{
    static readonly TimeSpan Hour = TimeSpan.FromHours(1);

    static DateTimeOffset At(string time) => DateTimeOffset.Parse(time, System.Globalization.CultureInfo.InvariantCulture);

    [Fact]
    public void Times_are_those_of_the_zone_in_summer_and_in_winter()
    {
        var nightly = Timetable.Of("30 3 * * *", "Europe/Berlin");

        Assert.Equal(At("2026-07-01T01:30:00Z"), nightly.NextAfter(At("2026-07-01T00:00:00Z")));
        Assert.Equal(At("2026-12-01T02:30:00Z"), nightly.NextAfter(At("2026-12-01T00:00:00Z")));
    }

    [Fact]
    public void A_time_that_the_clock_leaves_out_comes_right_after_the_gap()
    {
        // 02:00 became 03:00 on that day.
        Assert.Equal(At("2026-03-29T01:00:00Z"), Timetable.Of("30 2 * * *", "Europe/Berlin").NextAfter(At("2026-03-28T12:00:00Z")));
    }

    [Fact]
    public void A_time_that_comes_twice_counts_once_and_an_hourly_one_counts_every_hour()
    {
        // 03:00 became 02:00 on that day.
        Assert.Equal([At("2026-10-25T00:30:00Z"), At("2026-10-26T01:30:00Z")], Timetable.Of("30 2 * * *", "Europe/Berlin").From(At("2026-10-25T00:30:00Z"), 2));
        Assert.Equal([At("2026-10-25T00:30:00Z"), At("2026-10-25T01:30:00Z")], Timetable.Of("30 * * * *", "Europe/Berlin").From(At("2026-10-25T00:30:00Z"), 2));
        Assert.Equal([At("2026-10-25T00:00:00Z"), At("2026-10-25T01:00:00Z")], Timetable.Of("0 */2 * * *", "Europe/Berlin").From(At("2026-10-25T00:00:00Z"), 2));
        Assert.Equal([At("2026-10-25T00:00:00Z"), At("2026-10-25T03:00:00Z")], Timetable.Of("0 0,2,4,6 * * *", "Europe/Berlin").From(At("2026-10-25T00:00:00Z"), 2));
    }

    [Fact]
    public void A_time_that_has_just_come_fires_and_misses_nothing()
    {
        var due = Timetable.Of("0 * * * *", "UTC").At(At("2026-01-01T10:00:00Z"), At("2026-01-01T10:00:01Z"), Hour);

        Assert.Equal(new Due(At("2026-01-01T10:00:00Z"), true, 0, At("2026-01-01T11:00:00Z")), due);
    }

    [Fact]
    public void Of_several_missed_times_only_the_latest_fires_and_the_others_are_counted()
    {
        var due = Timetable.Of("0 * * * *", "UTC").At(At("2026-01-01T10:00:00Z"), At("2026-01-01T13:20:00Z"), Hour);

        Assert.Equal(new Due(At("2026-01-01T13:00:00Z"), true, 3, At("2026-01-01T14:00:00Z")), due);
    }

    [Theory]
    [InlineData(3600, true, 0)]
    [InlineData(3599, false, 1)]
    public void A_time_fires_up_to_the_end_of_the_window_and_is_missed_after_it(int window, bool fires, int missed)
    {
        var due = Timetable.Of("0 0 * * *", "UTC").At(At("2026-01-01T00:00:00Z"), At("2026-01-01T01:00:00Z"), TimeSpan.FromSeconds(window));

        Assert.Equal((fires, missed, At("2026-01-02T00:00:00Z")), (due.Fires, due.Missed, due.Next));
    }

    [Fact]
    public void An_expression_that_never_comes_again_has_no_next_time() =>
        Assert.Null(Timetable.Of("0 0 30 2 *", "UTC").NextAfter(At("2026-01-01T00:00:00Z")));

    [Theory]
    [InlineData("Europe/Berlin", true)]
    [InlineData("America/Argentina/Buenos_Aires", true)]
    [InlineData("Etc/GMT+5", true)]
    [InlineData("UTC", true)]
    [InlineData("Europe/Atlantis", false)]
    [InlineData("../../etc/passwd", false)]
    [InlineData("", false)]
    public void Only_names_of_zones_are_zones(string name, bool known) => Assert.Equal(known, Timetable.IsTimeZone(name));
}

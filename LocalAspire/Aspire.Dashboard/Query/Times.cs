namespace Aspire.Dashboard.Query;

/// <summary>Nanoseconds as milliseconds with a fraction, which is what JavaScript counts in.</summary>
static class Times
{
    const double NanosecondsPerMillisecond = 1_000_000;

    public static double Milliseconds(ulong nanoseconds) => nanoseconds / NanosecondsPerMillisecond;

    /// <summary>Below zero when the moment lies before the origin.</summary>
    public static double Offset(ulong origin, ulong moment) => moment >= origin ? Milliseconds(moment - origin) : -Milliseconds(origin - moment);

    /// <summary>Since 1970; rounded to microseconds, which is as fine as the number can be at that distance.</summary>
    public static double Unix(ulong nanoseconds) => Math.Round(Milliseconds(nanoseconds), 3);

    public static double Unix(DateTimeOffset time) => time.ToUnixTimeMilliseconds();
}

using Cronos;

namespace AspireJobs.Jobs.Schedules;

/// <summary>
/// The times of a cron expression in a time zone. A time that a change of the clock leaves out comes right after the gap; one that comes twice
/// counts once, unless the field of the minute or of the hour has a star, a range or a step.
/// </summary>
public sealed class Timetable
{
    readonly CronExpression _cron;
    readonly TimeZoneInfo _zone;

    Timetable(CronExpression cron, TimeZoneInfo zone) => (_cron, _zone) = (cron, zone);

    /// <summary>The times of an expression that was accepted before.</summary>
    /// <exception cref="CronFormatException">It is no expression.</exception>
    /// <exception cref="TimeZoneNotFoundException">This machine does not know the zone.</exception>
    public static Timetable Of(string cron, string timeZone) => new(CronExpression.Parse(cron), TimeZoneInfo.FindSystemTimeZoneById(timeZone));

    /// <summary>What is wrong with an expression, as half a sentence, or null.</summary>
    public static string? CronFault(string? cron)
    {
        if (string.IsNullOrWhiteSpace(cron))
            return "is required: five fields (minute, hour, day of month, month, day of week) or a macro such as @daily";
        if (cron.Length > 200)
            return "must be at most 200 characters long";
        if (cron.Trim().Equals("@every_second", StringComparison.OrdinalIgnoreCase))
            return "must not come more often than once a minute";
        return CronExpression.TryParse(cron, out _) ? null : $"is no cron expression: {ParseError(cron)}";
    }

    // TryParse does not say why.
    static string ParseError(string cron)
    {
        try
        {
            CronExpression.Parse(cron);
            return "";
        }
        catch (CronFormatException e)
        {
            return e.Message.TrimEnd('.');
        }
    }

    /// <summary>Whether it is the IANA name of a zone that this machine knows. Only names, so that no path leads elsewhere.</summary>
    /// <remarks>
    /// IANA's names begin with a capital. Beside them lie <c>localtime</c>, <c>posixrules</c> and the copies below <c>posix/</c> and <c>right/</c>, of which the
    /// last count leap seconds, as nothing here does. <c>Factory</c> stands for a zone that was never set.
    /// </remarks>
    public static bool IsTimeZone(string name) =>
        name.Length is > 0 and <= 64 && char.IsAsciiLetterUpper(name[0]) && name.All(character => char.IsAsciiLetterOrDigit(character) || character is '/' or '_' or '-' or '+')
        && name != "Factory" && TimeZoneInfo.TryFindSystemTimeZoneById(name, out _);

    /// <summary>The first time after the given one; null if none comes.</summary>
    public DateTimeOffset? NextAfter(DateTimeOffset time) => _cron.GetNextOccurrence(time, _zone)?.ToUniversalTime();

    /// <summary>Times from the given one on, if it is one, up to a number of them.</summary>
    public IReadOnlyList<DateTimeOffset> From(DateTimeOffset? first, int count)
    {
        var times = new List<DateTimeOffset>(count);
        for (var time = first; time is { } next && times.Count < count; time = NextAfter(next))
            times.Add(next);
        return times;
    }

    /// <summary>What is to be done about the times up to now.</summary>
    /// <param name="due">The first of them.</param>
    /// <param name="now">Now.</param>
    /// <param name="catchUp">How late a fire may be.</param>
    public Due At(DateTimeOffset due, DateTimeOffset now, TimeSpan catchUp)
    {
        var (latest, missed) = (due, 0);
        DateTimeOffset? next;
        while ((next = NextAfter(latest)) <= now)
            (latest, missed) = (next.Value, missed + 1);
        return now - latest <= catchUp ? new Due(latest, true, missed, next) : new Due(latest, false, missed + 1, next);
    }
}

/// <summary>What is to be done about a schedule whose time has come.</summary>
/// <param name="At">The latest time.</param>
/// <param name="Fires">It fires for that time: it is not too late.</param>
/// <param name="Missed">How many times are too late.</param>
/// <param name="Next">When it fires next; null for never.</param>
public readonly record struct Due(DateTimeOffset At, bool Fires, int Missed, DateTimeOffset? Next);

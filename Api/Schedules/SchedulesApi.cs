using System.Security.Claims;
using AspireJobs.Api.Http;
using AspireJobs.Api.Jobs;
using AspireJobs.Jobs.ApiKeys;
using AspireJobs.Jobs.Schedules;
using Microsoft.AspNetCore.Http.HttpResults;

namespace AspireJobs.Api.Schedules;

/// <summary>Schedules. Everybody sees them; only the key that made one, and the operator's, change it.</summary>
static class SchedulesApi
{
    public static void MapSchedules(this IEndpointRouteBuilder api)
    {
        api.MapGet("/schedules", ListAsync);
        api.MapGet("/schedules/{name}", GetAsync);
        api.MapPut("/schedules/{name}", SetAsync);
        api.MapDelete("/schedules/{name}", DeleteAsync);
        api.MapPost("/schedules/{name}/pause", PauseAsync);
        api.MapPost("/schedules/{name}/resume", ResumeAsync);
    }

    static async Task<Ok<Page<Schedule>>> ListAsync(ScheduleStore schedules, CancellationToken cancellationToken) =>
        TypedResults.Ok(new Page<Schedule>(await schedules.ListAsync(cancellationToken)));

    static async Task<Results<Ok<Schedule>, ProblemHttpResult>> GetAsync(string name, ScheduleStore schedules, CancellationToken cancellationToken) =>
        await schedules.FindAsync(name, cancellationToken) is { } schedule ? TypedResults.Ok(schedule) : UnknownSchedule(name);

    static async Task<Results<Ok<Schedule>, Created<Schedule>, ProblemHttpResult, ChallengeHttpResult>> SetAsync(
        string name, Body<SchedulePlan> body, ScheduleStore schedules, JobSubmission submission, ClaimsPrincipal user, TimeProvider time, CancellationToken cancellationToken)
    {
        var errors = await CheckAsync(name, body.Value, submission, time, cancellationToken);
        if (errors.Any)
            return Problems.Invalid(errors.ByField);
        return await schedules.SetAsync(name, body.Value, user.ApiKeyId(), IsAdmin(user), cancellationToken) switch
        {
            // The key is remembered for a second after another process deleted it.
            null => TypedResults.Challenge(),
            { Made: true, Schedule: { } schedule } => TypedResults.Created($"/api/v1/schedules/{name}", schedule),
            { Changed: true, Schedule: { } schedule } => TypedResults.Ok(schedule),
            var refused => Refusal(name, refused, user),
        };
    }

    static async Task<Errors> CheckAsync(string name, SchedulePlan plan, JobSubmission submission, TimeProvider time, CancellationToken cancellationToken)
    {
        var errors = new Errors();
        errors.AddFault("name", Names.Fault(name));
        errors.AddFault("cron", Timetable.CronFault(plan.Cron));
        errors.Require(Timetable.IsTimeZone(plan.TimeZone), "time_zone", "must be the IANA name of a time zone, such as Europe/Berlin");
        if (!errors.Any)
            errors.Require(Timetable.Of(plan.Cron!, plan.TimeZone).NextAfter(time.GetUtcNow()) is not null, "cron", "never comes");
        errors.Require(plan.CatchUpSeconds is >= 60 and <= 604_800, "catch_up_seconds", "must be 60 to 604,800");
        errors.AddFault("request", plan.Request is null ? "is required: the job of each fire" : null);
        if (plan.Request is not { } request)
            return errors;
        errors.AddAll("request", await submission.ValidateAsync(request, cancellationToken));
        errors.Require(request.NotBefore is null, "request.not_before", "does not go with a schedule, which says when its jobs start");
        errors.Require(request.ExpiresAt is null, "request.expires_at", "does not go with a schedule, whose jobs would all expire at the same time");
        return errors;
    }

    static async Task<Results<NoContent, ProblemHttpResult>> DeleteAsync(string name, ScheduleStore schedules, ClaimsPrincipal user, CancellationToken cancellationToken) =>
        await schedules.DeleteAsync(name, user.ApiKeyId(), IsAdmin(user), cancellationToken) is { Changed: false } refused ? Refusal(name, refused, user) : TypedResults.NoContent();

    static Task<Results<Ok<Schedule>, ProblemHttpResult>> PauseAsync(string name, ScheduleStore schedules, ClaimsPrincipal user, CancellationToken cancellationToken) =>
        SetPausedAsync(name, true, schedules, user, cancellationToken);

    static Task<Results<Ok<Schedule>, ProblemHttpResult>> ResumeAsync(string name, ScheduleStore schedules, ClaimsPrincipal user, CancellationToken cancellationToken) =>
        SetPausedAsync(name, false, schedules, user, cancellationToken);

    static async Task<Results<Ok<Schedule>, ProblemHttpResult>> SetPausedAsync(
        string name, bool paused, ScheduleStore schedules, ClaimsPrincipal user, CancellationToken cancellationToken) =>
        await schedules.PauseAsync(name, paused, user.ApiKeyId(), IsAdmin(user), cancellationToken) switch
        {
            { Changed: true, Schedule: { } schedule } => TypedResults.Ok(schedule),
            { Schedule.Fault: { } fault } refused when MayChange(refused.Schedule, user) =>
                Problems.Create(StatusCodes.Status409Conflict, "schedule-fault", $"The schedule '{name}' cannot fire until PUT mends it: {fault}"),
            var refused => Refusal(name, refused, user),
        };

    static bool MayChange(Schedule schedule, ClaimsPrincipal user) => IsAdmin(user) || schedule.ApiKeyName == user.ApiKeyName();

    static bool IsAdmin(ClaimsPrincipal user) => user.ApiKeyName() == ApiKeyStore.Admin;

    // The caller's own schedule was there when it was looked for, and not when it was to be changed.
    static ProblemHttpResult Refusal(string name, ScheduleChange refused, ClaimsPrincipal user) => refused.Schedule is { } schedule && !MayChange(schedule, user)
        ? Problems.Create(StatusCodes.Status403Forbidden, "not-allowed", $"The schedule '{name}' belongs to API key '{schedule.ApiKeyName}'; only that key and the operator's may change it.")
        : UnknownSchedule(name);

    static ProblemHttpResult UnknownSchedule(string name) => Problems.NotFound("schedule", name);
}

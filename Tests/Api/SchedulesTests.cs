using System.Net;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using AspireJobs.Jobs;
using AspireJobs.Jobs.Schedules;
using AspireJobs.Tests.Infrastructure;
using Npgsql;

namespace AspireJobs.Tests.Api;

/// <summary>Schedules as callers make and see them. What they do: <c>ScheduleFireTests</c>.</summary>
public sealed class SchedulesTests(ApiAlone api) : IClassFixture<ApiAlone>
{
    const string Job = """ {"source": {"type": "inline", "content": "- hosts: all"}} """;

    HttpClient Client => api.System.Client;

    static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_schedule_is_made_read_replaced_and_deleted()
    {
        using var made = await PutAsync("nightly", $$"""{"cron": "30 3 * * *", "time_zone": "Europe/Berlin", "request": {{Job}}}""");
        var schedule = await ReadAsync(made);

        Assert.Equal((HttpStatusCode.Created, "/api/v1/schedules/nightly"), (made.StatusCode, made.Headers.Location?.ToString()));
        Assert.Equal(("nightly", "admin", "30 3 * * *", "Europe/Berlin"), (schedule.Name, schedule.ApiKeyName, schedule.Cron, schedule.TimeZone));
        Assert.Equal((Overlap.Skip, 3600, false, 0L), (schedule.Overlap, schedule.CatchUpSeconds, schedule.Paused, schedule.Submitted));
        Assert.Equal(5, schedule.NextAt.Count);
        Assert.All(schedule.NextAt, time => Assert.Contains(time.UtcDateTime.TimeOfDay, new[] { new TimeSpan(1, 30, 0), new TimeSpan(2, 30, 0) }));
        Assert.Equal("- hosts: all", schedule.Request!.Source!.Content);

        using var replaced = await PutAsync("nightly", $$"""{"cron": "@hourly", "overlap": "queue", "catch_up_seconds": 60, "request": {{Job}}}""");
        Assert.Equal(HttpStatusCode.OK, replaced.StatusCode);
        var read = await GetAsync("nightly");
        Assert.Equal(("@hourly", "UTC", Overlap.Queue, 60, schedule.CreatedAt), (read.Cron, read.TimeZone, read.Overlap, read.CatchUpSeconds, read.CreatedAt));
        Assert.Contains("\"nightly\"", await Client.GetStringAsync("/api/v1/schedules", Stop));

        Assert.Equal(HttpStatusCode.NoContent, (await Client.DeleteAsync("/api/v1/schedules/nightly")).StatusCode);
        foreach (var (method, path) in new[] { ("GET", ""), ("DELETE", ""), ("POST", "/pause"), ("POST", "/resume") })
        {
            using var gone = await Client.SendAsync(new HttpRequestMessage(new HttpMethod(method), $"/api/v1/schedules/nightly{path}"), Stop);
            Assert.Equal(HttpStatusCode.NotFound, gone.StatusCode);
        }
    }

    [Theory]
    [InlineData("time_zone = 'Europe/Atlantis'", "times")]
    [InlineData("request = '{\"source\": {\"type\": \"of-a-later-version\"}}'", "request")]
    public async Task A_schedule_that_cannot_fire_as_it_stands_says_so_and_can_be_mended_and_deleted(string change, string fault)
    {
        var name = $"faulty-{fault.ToLowerInvariant()}";
        using var made = await PutAsync(name, $$"""{"cron": "@daily", "request": {{Job}}}""");
        await api.System.ExecuteAsync($"update schedules set {change} where name = '{name}'");

        var faulty = await GetAsync(name);
        using var resumed = await Client.PostAsync($"/api/v1/schedules/{name}/resume", null, Stop);
        var listed = await Client.GetStringAsync("/api/v1/schedules", Stop);
        using var mended = await PutAsync(name, $$"""{"cron": "@daily", "request": {{Job}}}""");
        var whole = await GetAsync(name);
        await api.System.ExecuteAsync($"update schedules set {change} where name = '{name}'");
        using var deleted = await Client.DeleteAsync($"/api/v1/schedules/{name}", Stop);

        Assert.Contains(fault, faulty.Fault);
        Assert.Empty(faulty.NextAt);
        Assert.Contains(name, listed);
        Assert.Equal(HttpStatusCode.Conflict, resumed.StatusCode);
        Assert.Contains("urn:aspirejobs:problem:schedule-fault", await resumed.Content.ReadAsStringAsync(Stop));
        Assert.Equal((HttpStatusCode.OK, null, 5), (mended.StatusCode, whole.Fault, whole.NextAt.Count));
        Assert.Equal(HttpStatusCode.NoContent, deleted.StatusCode);
    }

    [Fact]
    public async Task A_paused_schedule_has_no_next_time_until_it_is_resumed()
    {
        using var made = await PutAsync("stopped", $$"""{"cron": "@daily", "paused": true, "request": {{Job}}}""");
        Assert.Empty((await ReadAsync(made)).NextAt);

        using var resumed = await Client.PostAsync("/api/v1/schedules/stopped/resume", null, Stop);
        var running = await ReadAsync(resumed);
        Assert.Equal((false, 5), (running.Paused, running.NextAt.Count));

        using var paused = await Client.PostAsync("/api/v1/schedules/stopped/pause", null, Stop);
        var stopped = await ReadAsync(paused);
        Assert.Equal((true, 0), (stopped.Paused, stopped.NextAt.Count));
    }

    [Fact]
    public async Task A_replacement_with_the_same_times_does_not_lose_one_that_is_due()
    {
        var body = $$"""{"cron": "@monthly", "request": {{Job}}}""";
        using var made = await PutAsync("due", body);
        await api.System.ExecuteAsync("update schedules set next_at = '2026-01-01' where name = 'due'");

        using var same = await PutAsync("due", body);
        Assert.Equal(2026, (await ReadAsync(same)).NextAt[0].Year);
        await Client.PostAsync("/api/v1/schedules/due/resume", null, Stop);
        Assert.Equal(new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero), (await GetAsync("due")).NextAt[0]);

        using var other = await PutAsync("due", $$"""{"cron": "@yearly", "request": {{Job}}}""");
        Assert.True((await ReadAsync(other)).NextAt[0] > TimeProvider.System.GetUtcNow());
    }

    [Fact]
    public async Task Only_its_owner_and_the_operator_change_a_schedule_and_a_replacement_keeps_the_owner()
    {
        using var owner = await api.System.MakeCallerAsync("owner");
        using var stranger = await api.System.MakeCallerAsync("stranger");
        var body = $$"""{"cron": "@daily", "request": {{Job}}}""";
        using var made = await PutAsync("owned", body, owner);
        Assert.Equal("owner", (await ReadAsync(made)).ApiKeyName);

        foreach (var (method, path) in new[] { ("PUT", ""), ("DELETE", ""), ("POST", "/pause"), ("POST", "/resume") })
        {
            using var request = new HttpRequestMessage(new HttpMethod(method), $"/api/v1/schedules/owned{path}") { Content = new StringContent(body, Encoding.UTF8, "application/json") };
            using var refused = await stranger.SendAsync(request, Stop);
            Assert.Equal(HttpStatusCode.Forbidden, refused.StatusCode);
            Assert.Contains("belongs to API key 'owner'", await refused.Content.ReadAsStringAsync(Stop));
        }
        Assert.Equal(HttpStatusCode.OK, (await stranger.GetAsync("/api/v1/schedules/owned", Stop)).StatusCode);

        using var byOperator = await PutAsync("owned", body);
        Assert.Equal("owner", (await ReadAsync(byOperator)).ApiKeyName);
    }

    [Fact]
    public async Task Of_many_that_delete_their_schedule_at_the_same_time_one_does_and_the_others_find_none()
    {
        using var owner = await api.System.MakeCallerAsync("hasty");
        using var made = await PutAsync("fought-over", $$"""{"cron": "@daily", "request": {{Job}}}""", owner);

        var answers = await HeldUpAsync("select from schedules where name = 'fought-over' for update", 4, () => owner.DeleteAsync("/api/v1/schedules/fought-over", Stop));

        Assert.Equal([HttpStatusCode.NoContent, HttpStatusCode.NotFound, HttpStatusCode.NotFound, HttpStatusCode.NotFound], answers.Select(answer => answer.StatusCode).Order());
    }

    [Theory]
    [InlineData("DELETE", "")]
    [InlineData("POST", "/pause")]
    [InlineData("POST", "/resume")]
    public async Task A_change_of_ones_own_schedule_that_was_deleted_and_made_again_meanwhile_is_not_forbidden(string method, string path)
    {
        var name = $"remade-{method}{path.Replace('/', '-')}";
        using var owner = await api.System.MakeCallerAsync(name);
        using var made = await PutAsync(name, $$"""{"cron": "@daily", "request": {{Job}}}""", owner);
        var remake = $"create temp table kept on commit drop as select * from schedules where name = '{name}'; delete from schedules where name = '{name}'; insert into schedules select * from kept";

        var answers = await HeldUpAsync(remake, 1, () => owner.SendAsync(new HttpRequestMessage(new HttpMethod(method), $"/api/v1/schedules/{name}{path}"), Stop));

        Assert.Equal([HttpStatusCode.NotFound], answers.Select(answer => answer.StatusCode));
    }

    [Fact]
    public async Task The_schedules_of_a_deleted_key_go_with_it()
    {
        using var owner = await api.System.MakeCallerAsync("leaving");
        using var made = await PutAsync("orphan", $$"""{"cron": "@daily", "request": {{Job}}}""", owner);
        Assert.Equal(HttpStatusCode.Created, made.StatusCode);

        await Client.DeleteAsync("/api/v1/api-keys/leaving", Stop);

        Assert.Equal(HttpStatusCode.NotFound, (await Client.GetAsync("/api/v1/schedules/orphan", Stop)).StatusCode);
    }

    [Fact]
    public async Task A_key_that_is_deleted_while_it_makes_a_schedule_is_not_known_and_makes_none()
    {
        using var owner = await api.System.MakeCallerAsync("too-late");

        var answers = await HeldUpAsync("delete from api_keys where name = 'too-late'", 1, () => PutAsync("stillborn", $$"""{"cron": "@daily", "request": {{Job}}}""", owner));

        Assert.Equal([HttpStatusCode.Unauthorized], answers.Select(answer => answer.StatusCode));
        Assert.Contains("urn:aspirejobs:problem:wrong-key", await answers[0].Content.ReadAsStringAsync(Stop));
        Assert.Equal(HttpStatusCode.NotFound, (await Client.GetAsync("/api/v1/schedules/stillborn", Stop)).StatusCode);
    }

    [Fact]
    public async Task Secret_variables_are_masked_in_every_answer_and_sealed_in_the_store()
    {
        const string secret = "hunter2-of-the-schedule";
        var plan = new { cron = "@daily", request = new { source = new { type = "inline", content = "x" }, secret_vars = new { token = secret } } };
        using var made = await Client.PutAsJsonAsync("/api/v1/schedules/secretive", plan, Stop);

        Assert.Equal("***", (await ReadAsync(made)).Request!.SecretVars!["token"]);
        Assert.DoesNotContain(secret, await Client.GetStringAsync("/api/v1/schedules", Stop));
        await api.System.ExecuteAsync($"do $$ begin if exists (select from schedules where schedules::text like '%{secret}%') then raise 'readable'; end if; end $$");
    }

    public static TheoryData<string, string, string> FaultyFields => new()
    {
        { """{}""", "cron", "cron is required: five fields" },
        { """{}""", "request", "request is required: the job of each fire." },
        { Plan("\"cron\": \"61 * * * *\""), "cron", "cron is no cron expression: " },
        { Plan("\"cron\": \"* * * * * *\""), "cron", "cron is no cron expression: " },
        { Plan("\"cron\": \"@every_second\""), "cron", "must not come more often than once a minute" },
        { Plan("\"cron\": \"0 0 31 2 *\""), "cron", "cron never comes." },
        { Plan("\"cron\": 5"), "cron", "cron must be a string." },
        { Plan("\"cron\": \"@daily\", \"time_zone\": \"Europe/Atlantis\""), "time_zone", "must be the IANA name of a time zone" },
        { Plan("\"cron\": \"@daily\", \"time_zone\": \"right/Europe/Berlin\""), "time_zone", "must be the IANA name of a time zone" },
        { Plan("\"cron\": \"@daily\", \"time_zone\": \"posix/Europe/Berlin\""), "time_zone", "must be the IANA name of a time zone" },
        { Plan("\"cron\": \"@daily\", \"time_zone\": \"posixrules\""), "time_zone", "must be the IANA name of a time zone" },
        { Plan("\"cron\": \"@daily\", \"time_zone\": \"localtime\""), "time_zone", "must be the IANA name of a time zone" },
        { Plan("\"cron\": \"@daily\", \"time_zone\": \"Factory\""), "time_zone", "must be the IANA name of a time zone" },
        { Plan("\"cron\": \"@daily\", \"time_zone\": null"), "time_zone", "must be a string, not null" },
        { Plan("\"cron\": \"@daily\", \"overlap\": \"kill\""), "overlap", "overlap must be one of: skip, queue." },
        { Plan("\"cron\": \"@daily\", \"catch_up_seconds\": 59"), "catch_up_seconds", "must be 60 to 604,800" },
        { Plan("\"cron\": \"@daily\", \"colour\": 1"), "colour", "There is no field 'colour'." },
        { """{"cron": "@daily", "request": {"source": {"type": "inline", "content": "x"}, "forks": 0}}""", "request.forks", "request.forks must be 1 to 100." },
        { """{"cron": "@daily", "request": {"source": {"type": "inline", "content": "x"}, "shade": 0}}""", "request.shade", "There is no field 'request.shade'." },
        { """{"cron": "@daily", "request": {}}""", "request.source", "request.source is required" },
        { """{"cron": "@daily", "request": {"source": {"type": "inline", "content": "x"}, "queue": "nowhere"}}""", "request.queue", "a queue that does not exist: 'nowhere'" },
        { """{"cron": "@daily", "request": {"source": {"type": "inline", "content": "x"}, "credentials": ["none"]}}""", "request.credentials[0]", "'none'" },
        { """{"cron": "@daily", "request": {"source": {"type": "inline", "content": "x"}, "credentials": [null]}}""", "request.credentials[0]", "must not be null" },
        { """{"cron": "@daily", "request": {"source": {"type": "inline", "content": "x"}, "not_before": "2999-01-01T00:00:00Z"}}""", "request.not_before", "does not go with a schedule" },
        { """{"cron": "@daily", "request": {"source": {"type": "inline", "content": "x"}, "expires_at": "2999-01-01T00:00:00Z"}}""", "request.expires_at", "does not go with a schedule" },
    };

    static string Plan(string fields) => $$"""{ {{fields}}, "request": {{Job}} }""";

    [Theory]
    [MemberData(nameof(FaultyFields))]
    public async Task A_faulty_schedule_is_refused_by_field_and_not_stored(string body, string field, string message)
    {
        using var response = await PutAsync("faulty", body);

        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        var problem = await response.Content.ReadFromJsonAsync<JsonElement>(Stop);
        Assert.Contains(message, problem.GetProperty("errors").GetProperty(field)[0].GetString());
        Assert.Equal(HttpStatusCode.NotFound, (await Client.GetAsync("/api/v1/schedules/faulty", Stop)).StatusCode);
    }

    [Fact]
    public async Task A_name_must_be_one()
    {
        using var response = await PutAsync("no%20name", $$"""{"cron": "@daily", "request": {{Job}}}""");

        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        Assert.Contains("name must be 1 to 63 letters", await response.Content.ReadAsStringAsync(Stop));
    }

    /// <summary>Sends requests while a transaction does something that they have to wait for, and commits it when they all do.</summary>
    async Task<HttpResponseMessage[]> HeldUpAsync(string sql, int count, Func<Task<HttpResponseMessage>> send)
    {
        await using var db = NpgsqlDataSource.Create(api.System.Postgres);
        await using var connection = await db.OpenConnectionAsync(Stop);
        await using var transaction = await connection.BeginTransactionAsync(Stop);
        await using (var command = new NpgsqlCommand(sql, connection))
            await command.ExecuteNonQueryAsync(Stop);
        var requests = Enumerable.Range(0, count).Select(_ => send()).ToArray();
        await using var waiting = db.CreateCommand("select count(*) from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()");
        while ((long)(await waiting.ExecuteScalarAsync(Stop))! < count && !requests.Any(request => request.IsCompleted))
            await Task.Delay(TimeSpan.FromMilliseconds(50), TimeProvider.System, Stop);
        await transaction.CommitAsync(Stop);
        return await Task.WhenAll(requests);
    }

    Task<HttpResponseMessage> PutAsync(string name, string body, HttpClient? caller = null) =>
        (caller ?? Client).PutAsync($"/api/v1/schedules/{name}", new StringContent(body, Encoding.UTF8, "application/json"), Stop);

    async Task<Schedule> GetAsync(string name) => (await Client.GetFromJsonAsync($"/api/v1/schedules/{name}", JobsJson.Default.Schedule, Stop))!;

    static async Task<Schedule> ReadAsync(HttpResponseMessage response)
    {
        Assert.True(response.IsSuccessStatusCode, await response.Content.ReadAsStringAsync(Stop));
        return (await response.Content.ReadFromJsonAsync(JobsJson.Default.Schedule, Stop))!;
    }
}

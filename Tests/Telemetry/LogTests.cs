using System.Diagnostics;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using AspireJobs.Jobs;
using AspireJobs.Tests.Infrastructure;

namespace AspireJobs.Tests.Telemetry;

/// <summary>What the services write on standard output.</summary>
[Collection(Watched.Name)]
public sealed class LogTests(WatchedSystem system)
{
    // Of every line of a job.
    static readonly string[] Common = ["timestamp", "level", "event", "message", "logger", "service", "instance", "trace_id", "span_id", "trace_flags"];

    [Fact]
    public async Task The_seven_events_have_exactly_their_fields()
    {
        await using var receiver = await CallbackReceiver.StartAsync(503);
        await system.Client.PostAsJsonAsync("/api/v1/credentials", new { name = "log-test", type = "variables", values = new { token = "t0ken-of-the-log-test" } });
        var job = await system.RunAsync(new
        {
            source = new { type = "inline", content = "- hosts: localhost\n  gather_facts: false\n  tasks:\n    - fail: {msg: no}\n" },
            credentials = new[] { "log-test" },
            callback_url = receiver.Url + "?token=in-the-query",
        });

        await AssertAsync(system.Api, job, "job_submitted", "info", "job_id", "source_type", "api_key_name");
        await AssertAsync(system.Worker, job, "job_started", "info", "job_id", "source_type", "worker_id", "queue_wait_seconds");
        await AssertAsync(system.Worker, job, "credential_accessed", "info", "credential_name", "job_id", "worker_id");
        await AssertAsync(system.Worker, job, "job_completed", "info", "job_id", "status", "duration_seconds", "outcome", "worker_id", "exit_code");
        await AssertAsync(system.Worker, job, "job_failed", "error", "job_id", "error_type", "error_message", "retry_count", "worker_id");
        var failed = await AssertAsync(system.Webhooks, job, "webhook_failed", "warn", "job_id", "callback_url", "error", "status_code", "attempt", "next_attempt_seconds");
        await AssertAsync(system.Webhooks, job, "webhook_sent", "info", "job_id", "callback_url", "status_code", "attempt", "duration_seconds");
        Assert.Equal(("HTTP 503", receiver.Url), (failed.GetProperty("error").GetString(), failed.GetProperty("callback_url").GetString()));
    }

    [Fact]
    public async Task A_credential_that_was_opened_is_told_of_also_where_another_is_gone()
    {
        foreach (var name in new[] { "gone", "kept" })
            await system.Client.PostAsJsonAsync("/api/v1/credentials", new { name, type = "variables", values = new { token = "t0ken-of-the-log-test" } });
        await system.Client.PutAsJsonAsync("/api/v1/queues/credentials", new { paused = true });
        var id = await system.SubmitAsync(new { source = new { type = "inline", content = "- hosts: localhost" }, credentials = new[] { "gone", "kept" }, queue = "credentials" });
        await system.Client.DeleteAsync("/api/v1/credentials/gone", TestContext.Current.CancellationToken);
        await system.Client.PutAsJsonAsync("/api/v1/queues/credentials", new { paused = false });

        var job = await system.WaitAsync(id);

        Assert.Equal(("credential_error", "credential 'gone' does not exist"), (job.Failure!.ErrorType, job.Failure.Message));
        Assert.Equal("kept", (await system.Worker.EventAsync("credential_accessed", id.ToString())).GetProperty("credential_name").GetString());
    }

    [Fact]
    public async Task Numbers_stay_numbers()
    {
        var job = await system.RunAsync(new { source = new { type = "inline", content = "- hosts: localhost\n  gather_facts: false\n  tasks: []\n" } });

        var completed = await system.Worker.EventAsync("job_completed", job.Id.ToString());

        Assert.Equal(JsonValueKind.Number, completed.GetProperty("duration_seconds").ValueKind);
        Assert.Equal(JsonValueKind.Number, completed.GetProperty("exit_code").ValueKind);
    }

    [Fact]
    public async Task Every_line_from_the_first_to_the_last_is_one_json_object_with_unique_keys()
    {
        await system.RunAsync(new { source = new { type = "inline", content = "no playbook" } });
        using (await system.Client.GetAsync("/nothing?token=in-the-query", TestContext.Current.CancellationToken))
        {
        }

        foreach (var line in system.Services.SelectMany(service => service.Lines))
        {
            AssertWellFormed(line);
            Assert.DoesNotContain("in-the-query", line);
        }
        Assert.All(system.Services, service => Assert.Empty(service.Errors));
    }

    [Fact]
    public async Task Requests_are_logged_by_their_route_where_that_is_wanted()
    {
        var settings = system.SettingsOf("Api");
        settings["Logging:LogLevel:AspireJobs.Api.Http"] = "Debug";
        using var api = await ServiceProcess.StartAsync("Api", settings);

        using (await system.Client.GetAsync(new Uri(api.Address, "/api/v1/jobs/no-job?token=in-the-query"), TestContext.Current.CancellationToken))
        {
        }

        var line = await api.LineAsync(line => line.Contains("\"event\":\"http_request\"", StringComparison.Ordinal));
        Assert.Equal(("debug", "GET", "/api/v1/jobs/{id}", 404), (line.GetProperty("level").GetString(), line.GetProperty("method").GetString(), line.GetProperty("endpoint").GetString(), line.GetProperty("status_code").GetInt32()));
        Assert.InRange(line.GetProperty("duration_seconds").GetDouble(), 0, 60);
        Assert.DoesNotContain("in-the-query", line.GetRawText());
        Assert.DoesNotContain(system.Api.Lines, line => line.Contains("http_request", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_service_that_cannot_start_says_so_in_json()
    {
        using var service = await ServiceProcess.RunToEndAsync("Api", new Dictionary<string, string> { ["ConnectionStrings:jobsdb"] = "Host=127.0.0.1", ["ConnectionStrings:redis"] = "127.0.0.1:1" });

        Assert.NotEmpty(service.Lines);
        Assert.All(service.Lines, AssertWellFormed);
        Assert.Contains(service.Lines, line => line.Contains("MasterKey", StringComparison.Ordinal) && line.Contains("\"level\":\"critical\"", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_format_that_nobody_knows_is_told_in_json()
    {
        using var service = await ServiceProcess.RunToEndAsync("Api", new Dictionary<string, string> { ["Logging:Format"] = "xml" });

        Assert.Single(service.Lines);
        Assert.All(service.Lines, AssertWellFormed);
        Assert.Contains("Logging:Format is 'xml'", service.Lines.Single());
        Assert.Empty(service.Errors);
    }

    [Fact]
    public async Task A_crash_ends_the_process_although_nobody_reads_what_it_says()
    {
        var pipe = Path.Combine(Path.GetTempPath(), Guid.NewGuid().ToString("N"));
        // A pipe that takes nothing more: opened for both, so that it has a reader, and filled until a write would block.
        var start = new ProcessStartInfo("/bin/sh", ["-c", "mkfifo \"$0\" && exec 3<>\"$0\"; dd if=/dev/zero of=\"$0\" bs=4096 oflag=nonblock 2>/dev/null; rm \"$0\"; exec \"$1\" >&3", pipe, Repository.Program("Api")]);
        start.Environment["Logging__Format"] = "xml";
        using var service = Process.Start(start)!;

        await service.WaitForExitAsync(TestContext.Current.CancellationToken);

        Assert.Equal(1, service.ExitCode);
    }

    [Fact]
    public async Task A_service_says_in_json_that_it_stops()
    {
        using var service = await ServiceProcess.StartAsync("Webhooks", system.SettingsOf("Webhooks"));

        Assert.Equal(0, await service.StopAsync());

        Assert.All(service.Lines, AssertWellFormed);
        Assert.Contains(service.Lines, line => line.Contains("shutting down", StringComparison.Ordinal));
        Assert.Empty(service.Errors);
    }

    static async Task<JsonElement> AssertAsync(ServiceProcess service, Job job, string name, string level, params string[] fields)
    {
        var line = await service.EventAsync(name, job.Id.ToString());
        Assert.Equal(Common.Concat(fields).Order(), line.EnumerateObject().Select(property => property.Name).Order());
        Assert.Equal(["timestamp", "level", "event", .. fields], line.EnumerateObject().Select(property => property.Name).Take(3 + fields.Length));
        Assert.Equal(level, line.GetProperty("level").GetString());
        Assert.Equal(job.TraceId, line.GetProperty("trace_id").GetString());
        return line;
    }

    static void AssertWellFormed(string line)
    {
        var keys = new HashSet<string>();
        var reader = new Utf8JsonReader(Encoding.UTF8.GetBytes(line));
        while (reader.Read())
            if (reader.TokenType == JsonTokenType.PropertyName && reader.CurrentDepth == 1)
                Assert.True(keys.Add(reader.GetString()!), line);
        Assert.Superset(new HashSet<string> { "timestamp", "level", "event", "message", "service", "instance" }, keys);
        Assert.Matches(@"^\{""timestamp"":""\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"",""level"":""(trace|debug|info|warn|error|critical)"",""event"":""[a-z0-9_]+""", line);
    }
}

using System.Net.Http.Json;
using AspireJobs.Jobs;
using AspireJobs.Tests.Infrastructure;

namespace AspireJobs.Tests.Telemetry;

/// <summary>The trace of a job as a collector receives it.</summary>
[Collection(Watched.Name)]
public sealed class TraceTests(WatchedSystem system)
{
    const string Playbook = """
        - name: Look around
          hosts: localhost
          gather_facts: false
          tasks:
            - name: Show the trace
              debug: {msg: "{{ lookup('env', 'TRACEPARENT') }}"}
        """;

    [Fact]
    public async Task One_trace_goes_from_the_request_to_the_callback_and_down_to_task_and_host()
    {
        await using var receiver = await CallbackReceiver.StartAsync();
        var job = await system.RunAsync(new { source = new { type = "inline", content = Playbook }, callback_url = receiver.Url });
        var callback = await receiver.NextAsync();

        var trace = await system.Collector.TraceAsync(job.TraceId!, "POST /api/v1/jobs", "worker.execute", "send_webhook", "POST");

        var request = Span("POST /api/v1/jobs", "api", SpanKind.Server, parent: null);
        var submit = Span("api.submit_job", "api", SpanKind.Internal, request);
        var create = Span("db.create_job", "api", SpanKind.Internal, submit);
        Assert.Contains(trace, span => span.ParentId == create.SpanId && span.Tags.GetValueOrDefault("db.system.name") == "postgresql");
        var enqueue = Span("redis.enqueue", "api", SpanKind.Producer, submit);
        var command = Span("EVALSHA", "api", SpanKind.Client, enqueue);
        var execute = Span("worker.execute", "worker", SpanKind.Consumer, enqueue);
        Span("fetch_source", "worker", SpanKind.Internal, execute);
        Span("resolve_credentials", "worker", SpanKind.Internal, execute);
        var run = Span("run_playbook", "worker", SpanKind.Internal, execute);
        Span("upload_logs", "worker", SpanKind.Internal, execute);
        var play = Span("play Look around", "worker", SpanKind.Internal, run);
        var task = Span("task Show the trace", "worker", SpanKind.Internal, play);
        var host = Span("host localhost", "worker", SpanKind.Internal, task);
        var webhook = Span("send_webhook", "webhooks", SpanKind.Internal, execute);
        var post = Span("POST", "webhooks", SpanKind.Client, webhook);

        Assert.Equal([(job.TraceId!, enqueue.SpanId)], execute.Links);
        Assert.Equal($"00-{job.TraceId}-{post.SpanId}-01", callback.Headers["traceparent"]);
        Assert.Contains(job.TraceId!, callback.Body);
        Assert.Equal("ok", host.Tags["ansible.task.host.status"]);
        Assert.All(trace, span => Assert.True(span.End >= span.Start, span.Name));
        Assert.True(command.Start >= enqueue.Start && command.End <= enqueue.End);
        Assert.DoesNotContain(trace, span => span.IsError);
        foreach (var span in new[] { submit, execute, run, webhook })
            Assert.Equal(job.Id.ToString(), span.Tags["job.id"]);
        return;

        ReceivedSpan Span(string name, string service, SpanKind kind, ReceivedSpan? parent)
        {
            var span = Assert.Single(trace, span => span.Name == name && span.Service == service && (parent is null || span.ParentId == parent.SpanId));
            Assert.Equal((kind, parent?.SpanId ?? ""), (span.Kind, span.ParentId));
            return span;
        }
    }

    [Fact]
    public async Task A_rerun_has_a_trace_of_its_own_that_is_linked_to_the_first()
    {
        var job = await system.RunAsync(new { source = new { type = "inline", content = Playbook } });

        using var accepted = await system.Client.PostAsync($"/api/v1/jobs/{job.Id}/rerun", null);
        var again = await system.WaitAsync((await accepted.Content.ReadFromJsonAsync(JobsJson.Default.Job))!.Id);

        var execute = (await system.Collector.TraceAsync(job.TraceId!, "worker.execute")).Single(span => span.Name == "worker.execute");
        var submit = (await system.Collector.TraceAsync(again.TraceId!, "api.submit_job")).Single(span => span.Name == "api.submit_job");
        Assert.NotEqual(job.TraceId, again.TraceId);
        Assert.Equal([(job.TraceId!, execute.SpanId)], submit.Links);
    }

    [Fact]
    public async Task Spans_have_the_attributes_of_the_semantic_conventions()
    {
        var job = await system.RunAsync(new { source = new { type = "inline", content = Playbook } });
        var trace = await system.Collector.TraceAsync(job.TraceId!, "POST /api/v1/jobs", "worker.execute");

        AssertTags("POST /api/v1/jobs", ("http.request.method", "POST"), ("http.route", "/api/v1/jobs"), ("http.response.status_code", "202"),
            ("url.path", "/api/v1/jobs"), ("url.scheme", "http"), ("network.protocol.version", "1.1"));
        AssertTags("redis.enqueue", ("messaging.system", "redis"), ("messaging.operation.type", "send"), ("messaging.destination.name", "default"), ("messaging.message.id", $"{job.Id}"));
        AssertTags("EVALSHA", ("db.system.name", "redis"), ("db.operation.name", "EVALSHA"), ("server.address", "localhost"));
        AssertTags("worker.execute", ("job.id", $"{job.Id}"), ("source.type", "inline"), ("job.status", "success"),
            ("cicd.pipeline.name", "playbook.yml"), ("cicd.pipeline.run.id", $"{job.Id}"), ("cicd.pipeline.action.name", "RUN"), ("cicd.pipeline.result", "success"),
            ("code.function.name", "ansible_job_execute"), ("messaging.operation.type", "process"), ("messaging.message.id", $"{job.Id}"));
        AssertTags("run_playbook", ("process.executable.name", "ansible-playbook"), ("process.exit.code", "0"));
        AssertTags("task Show the trace", ("cicd.pipeline.task.name", "Show the trace"), ("cicd.pipeline.task.run.result", "success"), ("ansible.task.hosts.ok", "1"));

        void AssertTags(string name, params (string Key, string Value)[] tags)
        {
            var span = trace.Single(span => span.Name == name);
            Assert.All(tags, tag => Assert.Equal(tag.Value, span.Tags.GetValueOrDefault(tag.Key)));
        }
    }

    [Fact]
    public async Task The_process_of_a_playbook_is_named_by_its_span()
    {
        // What the playbook starts is in the session that its own process leads.
        var job = await system.RunAsync(new { source = new { type = "inline", content = "- hosts: localhost\n  gather_facts: false\n  tasks:\n    - {shell: cut -d' ' -f6 /proc/$$/stat, register: session}\n    - debug: {msg: 'session {{ session.stdout }}'}\n" } });
        var trace = await system.Collector.TraceAsync(job.TraceId!, "run_playbook");

        var log = await system.Client.GetStringAsync($"/api/v1/jobs/{job.Id}/logs", TestContext.Current.CancellationToken);
        Assert.Contains($"session {trace.Single(span => span.Name == "run_playbook").Tags["process.pid"]}\"", log);
    }

    [Fact]
    public async Task A_failed_job_is_an_error_from_the_host_up_to_the_execution()
    {
        var job = await system.RunAsync(new { source = new { type = "inline", content = "- hosts: localhost\n  gather_facts: false\n  tasks:\n    - {name: Fail, fail: {msg: no}}\n" } });

        var trace = await system.Collector.TraceAsync(job.TraceId!, "worker.execute");

        foreach (var name in new[] { "host localhost", "task Fail", "play localhost", "run_playbook", "worker.execute" })
            Assert.True(trace.Single(span => span.Name == name).IsError, name);
        var execute = trace.Single(span => span.Name == "worker.execute");
        Assert.Equal(("failed", "failure", "tasks_failed"), (execute.Tags["job.status"], execute.Tags["cicd.pipeline.result"], execute.Tags["error.type"]));
    }

    [Fact]
    public async Task A_submission_that_cannot_be_stored_is_an_error_in_each_of_its_spans()
    {
        await using var stores = await system.LeaseStoresAsync();
        var settings = system.SettingsOf("Api");
        settings["ConnectionStrings:jobsdb"] = stores.Postgres;
        using var api = await ServiceProcess.StartAsync("Api", settings);
        await using var db = Npgsql.NpgsqlDataSource.Create(stores.Postgres);
        await db.Command("alter table jobs rename to jobs_of_before").ExecuteAsync(TestContext.Current.CancellationToken);

        using var refused = await system.Client.PostAsJsonAsync(new Uri(api.Address, "/api/v1/jobs"), new { source = new { type = "inline", content = Playbook } }, TestContext.Current.CancellationToken);

        Assert.Equal(System.Net.HttpStatusCode.InternalServerError, refused.StatusCode);
        var problem = await refused.Content.ReadFromJsonAsync<System.Text.Json.JsonElement>(TestContext.Current.CancellationToken);
        var trace = await system.Collector.TraceAsync(problem.GetProperty("trace_id").GetString()!, "api.submit_job", "db.create_job");
        Assert.All(trace.Where(span => span.Name is "api.submit_job" or "db.create_job"), span => Assert.Equal((true, "Npgsql.PostgresException"), (span.IsError, span.Tags["error.type"])));
    }

    [Fact]
    public async Task A_run_that_is_stopped_is_an_error_that_says_why_unless_a_caller_wanted_it()
    {
        var source = new { type = "inline", content = "- hosts: localhost\n  gather_facts: false\n  tasks:\n    - {name: Linger, command: sleep 60}\n" };
        var late = await system.SubmitAsync(new { source, timeout_seconds = 1 });
        var unwanted = await system.SubmitAsync(new { source });
        await Poll.UntilAsync(async () => (await system.Client.GetStringAsync($"/api/v1/jobs/{unwanted}/events", TestContext.Current.CancellationToken)).Contains("runner_on_start", StringComparison.Ordinal));
        using var cancelled = await system.Client.PostAsync($"/api/v1/jobs/{unwanted}/cancel", null, TestContext.Current.CancellationToken);

        foreach (var (id, reason) in new[] { (late, "timed_out"), (unwanted, null) })
        {
            var trace = await system.Collector.TraceAsync((await system.WaitAsync(id)).TraceId!, "worker.execute", "run_playbook");
            foreach (var span in trace.Where(span => span.Name is "worker.execute" or "run_playbook"))
                Assert.Equal((span.Name, reason is not null, reason), (span.Name, span.IsError, span.Tags.GetValueOrDefault("error.type")));
            var line = await system.Worker.EventAsync("job_stopping", id.ToString());
            Assert.Equal((trace[0].TraceId, reason ?? "cancelled"), (line.GetProperty("trace_id").GetString(), line.GetProperty("reason").GetString()));
        }
    }

    [Fact]
    public async Task A_log_that_is_followed_does_not_fill_the_trace_of_who_follows()
    {
        const string parent = "22222222222222222222222222222222";
        var id = await system.SubmitAsync(new { source = new { type = "inline", content = """
            - hosts: localhost
              gather_facts: false
              tasks: [{name: Talk, command: sleep 0.3, loop: [1, 2, 3, 4]}]
            """ } });
        using var request = new HttpRequestMessage(HttpMethod.Get, $"/api/v1/jobs/{id}/logs?follow=true") { Headers = { { "traceparent", $"00-{parent}-00f067aa0ba902b7-01" } } };
        using (await system.Client.SendAsync(request, TestContext.Current.CancellationToken))
        {
        }

        var trace = await system.Collector.TraceAsync(parent, "GET /api/v1/jobs/{id}/logs");

        Assert.InRange(trace.Count(span => span.Tags.GetValueOrDefault("db.system.name") == "postgresql"), 0, 2);
    }

    [Fact]
    public async Task A_further_attempt_stays_in_the_trace_and_leads_to_the_one_before()
    {
        var job = await system.RunAsync(new
        {
            source = new { type = "inline", content = "- hosts: localhost\n  gather_facts: false\n  tasks:\n    - {name: Fail, fail: {msg: no}}\n" },
            max_attempts = 2, retry_on = new[] { "tasks_failed" }, retry_backoff_seconds = 1,
        });

        var trace = await system.Collector.TraceAsync(job.TraceId!, trace => trace.Count(span => span.Name == "worker.execute") == 2);

        var attempts = trace.Where(span => span.Name == "worker.execute").OrderBy(span => span.Start).ToList();
        Assert.Contains((job.TraceId!, attempts[0].SpanId), attempts[1].Links);
        Assert.Equal(2, job.Attempt);
    }

    [Fact]
    public async Task A_callers_trace_goes_on_and_reaches_the_playbook()
    {
        const string parent = "4bf92f3577b34da6a3ce929d0e0e4736";
        var (job, log) = await RunUnderAsync($"00-{parent}-00f067aa0ba902b7-01");

        var trace = await system.Collector.TraceAsync(parent, "POST /api/v1/jobs", "worker.execute");

        Assert.Equal(parent, job.TraceId);
        Assert.Equal("00f067aa0ba902b7", trace.Single(span => span.Name == "POST /api/v1/jobs").ParentId);
        Assert.Contains($"00-{parent}-{trace.Single(span => span.Name == "run_playbook").SpanId}-01", log);
    }

    [Fact]
    public async Task What_the_caller_does_not_sample_is_not_exported_and_still_goes_on()
    {
        const string parent = "11111111111111111111111111111111";
        await using var receiver = await CallbackReceiver.StartAsync();
        var (job, log) = await RunUnderAsync($"00-{parent}-00f067aa0ba902b7-00", receiver.Url);
        var callback = await receiver.NextAsync();
        // A later trace that arrives shows that this one would have.
        var next = await system.RunAsync(new { source = new { type = "inline", content = Playbook } });
        await system.Collector.TraceAsync(next.TraceId!, "POST /api/v1/jobs", "worker.execute");

        Assert.Equal(parent, job.TraceId);
        Assert.Matches($"00-{parent}-[0-9a-f]{{16}}-00", log);
        Assert.Matches($"00-{parent}-[0-9a-f]{{16}}-00", callback.Headers["traceparent"]);
        Assert.DoesNotContain(system.Collector.Spans, span => span.TraceId == parent);
        Assert.Equal(parent, (await system.Worker.EventAsync("job_completed", job.Id.ToString())).GetProperty("trace_id").GetString());
    }

    [Theory]
    [InlineData("garbage")]
    [InlineData("00-00000000000000000000000000000000-00f067aa0ba902b7-01")]
    [InlineData("ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")]
    [InlineData("00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01")]
    [InlineData("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more")]
    [InlineData("\u00ff\u00fe")]
    public async Task A_trace_parent_that_cannot_be_read_starts_a_trace_and_fails_nothing(string traceParent)
    {
        var (job, _) = await RunUnderAsync(traceParent);

        Assert.Equal(JobOutcome.Success, job.Outcome);
        Assert.Matches("^[0-9a-f]{32}$", job.TraceId);
        Assert.DoesNotContain(job.TraceId!, traceParent, StringComparison.OrdinalIgnoreCase);
    }

    [Fact]
    public async Task Baggage_that_is_no_text_fails_nothing()
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, "/api/v1/jobs?limit=1") { Headers = { { "baggage", "a=\u00ff" } } };

        using var response = await system.Client.SendAsync(request, TestContext.Current.CancellationToken);

        Assert.Equal(System.Net.HttpStatusCode.OK, response.StatusCode);
    }

    [Fact]
    public async Task A_callback_that_is_refused_is_an_error_with_the_status_as_its_type()
    {
        await using var receiver = await CallbackReceiver.StartAsync(503);
        var job = await system.RunAsync(new { source = new { type = "inline", content = Playbook }, callback_url = receiver.Url });

        var trace = await system.Collector.TraceAsync(job.TraceId!, "send_webhook");

        var callback = trace.First(span => span.Name == "send_webhook");
        Assert.Equal((true, "503"), (callback.IsError, callback.Tags["error.type"]));
    }

    [Fact]
    public async Task A_job_that_ends_without_a_run_has_a_span_and_a_line_in_its_own_trace_that_say_so()
    {
        using var queue = await system.Client.PutAsJsonAsync("/api/v1/queues/closed", new { paused = true }, TestContext.Current.CancellationToken);
        Assert.True(queue.IsSuccessStatusCode, await queue.Content.ReadAsStringAsync());
        var expiring = await system.SubmitAsync(new { source = new { type = "inline", content = Playbook }, queue = "closed", expires_at = TimeProvider.System.GetUtcNow().AddSeconds(2) });
        var waiting = await system.SubmitAsync(new { source = new { type = "inline", content = Playbook }, queue = "closed" });
        using var cancelled = await system.Client.PostAsync($"/api/v1/jobs/{waiting}/cancel", null, TestContext.Current.CancellationToken);

        foreach (var (id, span, service) in new[] { (waiting, "api.cancel_job", system.Api), (expiring, "worker.settle_job", system.Worker) })
        {
            var job = await system.WaitAsync(id);
            var settled = (await system.Collector.TraceAsync(job.TraceId!, "redis.enqueue", span)).Single(s => s.Name == span);
            var line = await service.EventAsync("job_completed", id.ToString());
            Assert.Equal((job.TraceId, settled.SpanId), (line.GetProperty("trace_id").GetString(), line.GetProperty("span_id").GetString()));
            Assert.Equal(id.ToString(), settled.Tags["job.id"]);
            Assert.Equal(span == "worker.settle_job", settled.IsError);
        }
    }

    [Theory]
    [InlineData("*/*")]
    [InlineData("application/xml")]
    [InlineData("text/html")]
    [InlineData("text/plain")]
    public async Task A_problem_names_the_trace_of_its_request_whatever_the_client_accepts(string accept)
    {
        const string parent = "22222222222222222222222222222222";
        using var request = new HttpRequestMessage(HttpMethod.Get, "/api/v1/jobs/none") { Headers = { { "traceparent", $"00-{parent}-00f067aa0ba902b7-01" }, { "Accept", accept } } };
        using var response = await system.Client.SendAsync(request, TestContext.Current.CancellationToken);

        Assert.Equal("application/problem+json", response.Content.Headers.ContentType?.MediaType);
        Assert.Contains($"\"trace_id\":\"{parent}\"", await response.Content.ReadAsStringAsync());
    }

    async Task<(Job Job, string Log)> RunUnderAsync(string traceParent, string? callbackUrl = null)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "/api/v1/jobs")
        {
            Content = JsonContent.Create(new { source = new { type = "inline", content = Playbook }, callback_url = callbackUrl }),
        };
        request.Headers.TryAddWithoutValidation("traceparent", traceParent);
        using var response = await system.Client.SendAsync(request, TestContext.Current.CancellationToken);
        Assert.True(response.IsSuccessStatusCode, await response.Content.ReadAsStringAsync());
        var job = await system.WaitAsync((await response.Content.ReadFromJsonAsync(JobsJson.Default.Job))!.Id);
        return (job, await system.Client.GetStringAsync($"/api/v1/jobs/{job.Id}/logs"));
    }
}

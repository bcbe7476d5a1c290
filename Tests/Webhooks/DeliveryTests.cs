using System.Net;
using System.Net.Http.Json;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using AspireJobs.Jobs;
using AspireJobs.Tests.Infrastructure;
using AspireJobs.Tests.Telemetry;
using AspireJobs.Webhooks;

namespace AspireJobs.Tests.Webhooks;

/// <summary>What callers' receivers get.</summary>
public sealed class DeliveryTests(Stores stores)
{
    [Fact]
    public async Task The_final_state_arrives_signed_with_the_trace_and_nothing_else_of_the_context()
    {
        var system = await stores.SharedAsync();
        await using var receiver = await CallbackReceiver.StartAsync();
        var secret = (await system.Client.GetFromJsonAsync<JsonElement>("/api/v1/webhook-secret")).GetProperty("secret").GetString()!;

        var id = await CancelledJobAsync(system, receiver.Url);
        var callback = await receiver.NextAsync();

        Assert.Equal(["standardwebhooks", "svix"], await StandardWebhooks.VerifiersAsync(secret, callback));
        Assert.Empty(await StandardWebhooks.VerifiersAsync(secret, callback with { Body = callback.Body.Replace("cancelled", "success") }));
        var body = JsonSerializer.Deserialize<JsonElement>(callback.Body);
        Assert.Equal("job.cancelled", body.GetProperty("type").GetString());
        Assert.Equal(id.ToString(), body.GetProperty("data").GetProperty("job_id").GetString());
        Assert.Equal("cancelled", body.GetProperty("data").GetProperty("outcome").GetString());
        Assert.StartsWith($"00-{(await system.GetAsync(id)).TraceId}-", callback.Headers["traceparent"]);
        Assert.DoesNotContain("tracestate", callback.Headers.Keys);
        Assert.DoesNotContain("baggage", callback.Headers.Keys);
    }

    [Fact]
    public async Task A_failed_delivery_is_tried_again_under_the_same_id_with_a_new_signature()
    {
        var system = await stores.SharedAsync();
        await using var receiver = await CallbackReceiver.StartAsync(503);

        var id = await CancelledJobAsync(system, receiver.Url);
        var first = await receiver.NextAsync();
        var second = await receiver.NextAsync();

        Assert.Equal(first.Headers["webhook-id"], second.Headers["webhook-id"]);
        Assert.Equal(first.Body, second.Body);
        Assert.NotEqual(first.Headers["webhook-timestamp"], second.Headers["webhook-timestamp"]);
        Assert.NotEqual(first.Headers["webhook-signature"], second.Headers["webhook-signature"]);
        var delivery = await DeliveryAsync(system, id, status => status != "pending");
        Assert.Equal(("delivered", 2), (delivery.GetProperty("status").GetString(), delivery.GetProperty("attempt").GetInt32()));
    }

    [Fact]
    public async Task A_span_says_that_a_message_is_sent_again_and_hides_the_path_where_that_is_set()
    {
        await using var collector = await OtlpReceiver.StartAsync();
        await using var system = await JobSystem.StartAsync(stores, worker: false, settings: new()
        {
            ["Webhooks:HidePaths"] = "true",
            ["OTEL_EXPORTER_OTLP_ENDPOINT"] = collector.Url,
            ["OTEL_EXPORTER_OTLP_PROTOCOL"] = "http/protobuf",
        });
        await using var receiver = await CallbackReceiver.StartAsync(503);

        var host = new Uri(receiver.Url).GetLeftPart(UriPartial.Authority);

        var id = await CancelledJobAsync(system, receiver.Url);
        var trace = await collector.TraceAsync((await system.GetAsync(id)).TraceId!, spans => Posts(spans).Count == 2);

        Assert.Equal([null, "1"], Posts(trace).Select(post => post.Tags.GetValueOrDefault("http.request.resend_count")));
        Assert.All(Posts(trace), post => Assert.Equal(host, post.Tags["url.full"]));

        // The API shares this process, so it exports them too, as they were before the sender had its say.
        List<ReceivedSpan> Posts(IEnumerable<ReceivedSpan> spans) =>
            [.. spans.Where(span => span.Service == "webhooks" && span.Tags.GetValueOrDefault("url.full", "").StartsWith(host, StringComparison.Ordinal)).OrderBy(span => span.Start)];
    }

    [Fact]
    public async Task A_receiver_that_is_gone_is_not_asked_again()
    {
        var system = await stores.SharedAsync();
        await using var receiver = await CallbackReceiver.StartAsync(410);

        var id = await CancelledJobAsync(system, receiver.Url);

        var delivery = await DeliveryAsync(system, id, status => status != "pending");
        Assert.Equal(("failed", 410), (delivery.GetProperty("status").GetString(), delivery.GetProperty("last_status_code").GetInt32()));
    }

    [Fact]
    public async Task An_address_inside_the_network_is_never_called()
    {
        await using var system = await JobSystem.StartAsync(stores, worker: false, settings: new() { ["Webhooks:AllowedNetworks:0"] = "192.0.2.0/24", ["Webhooks:AllowedNetworks:1"] = "192.0.2.0/24" });
        await using var receiver = await CallbackReceiver.StartAsync();

        var id = await CancelledJobAsync(system, receiver.Url);

        var delivery = await DeliveryAsync(system, id, _ => true, attempts: 1);
        Assert.Contains("AllowedNetworks", delivery.GetProperty("last_error").GetString());
        Assert.False(delivery.TryGetProperty("last_status_code", out _));
    }

    [Fact]
    public async Task A_host_without_a_form_in_ASCII_makes_a_failed_attempt_like_one_that_does_not_answer()
    {
        await using var system = await JobSystem.StartAsync(stores, worker: false);
        var id = await system.SubmitAsync(new { source = JobSystem.ShortSource, callback_url = "http://replaced/" });

        // As earlier versions took it.
        await system.ExecuteAsync("update jobs set callback_url = 'http://xn--ü.com/', request = replace(request::text, 'http://replaced/', 'http://xn--ü.com/')::json");
        await system.Client.PostAsync($"/api/v1/jobs/{id}/cancel", null);

        var delivery = await DeliveryAsync(system, id, _ => true, attempts: 1);
        Assert.Equal("pending", delivery.GetProperty("status").GetString());
        Assert.Contains("IDN", delivery.GetProperty("last_error").GetString());
    }

    [Fact]
    public async Task A_slow_receiver_leaves_places_to_others_also_when_its_URL_has_a_query_and_no_path()
    {
        await using var system = await JobSystem.StartAsync(stores, worker: false, settings: new() { ["Webhooks:Concurrency"] = "4", ["Webhooks:TimeoutSeconds"] = "20" });
        await using var other = await CallbackReceiver.StartAsync();
        // Connects, and never answers.
        using var slow = new TcpListener(IPAddress.Loopback, 0);
        slow.Start();

        var first = await CancelledJobAsync(system, $"http://{slow.LocalEndpoint}?hang=0");
        for (var i = 1; i < 4; i++)
            await CancelledJobAsync(system, $"http://{slow.LocalEndpoint}?hang={i}");
        await CancelledJobAsync(system, other.Url);

        await other.NextAsync();
        Assert.False((await DeliveryAsync(system, first, _ => true)).TryGetProperty("last_error", out _));
    }

    [Fact]
    public async Task A_message_keeps_within_its_limit_whatever_the_failed_task_is_called()
    {
        var system = await stores.SharedAsync();
        await using var receiver = await CallbackReceiver.StartAsync();
        var playbook = $"- hosts: localhost\n  gather_facts: false\n  tasks:\n    - name: {new string('n', 40_000)}\n      fail:\n";

        await system.SubmitAsync(new { source = new { type = "inline", content = playbook }, callback_url = receiver.Url });
        var callback = await receiver.NextAsync();

        Assert.True(Encoding.UTF8.GetByteCount(callback.Body) <= WebhookBody.Largest);
        var data = JsonSerializer.Deserialize<JsonElement>(callback.Body).GetProperty("data");
        Assert.Matches("^n+…$", data.GetProperty("failure").GetProperty("task").GetString());
        Assert.Equal(1, data.GetProperty("hosts").GetProperty("localhost").GetProperty("failed").GetInt32());
    }

    [Fact]
    public void A_message_is_whole_up_to_its_limit_and_then_says_what_was_cut()
    {
        var room = WebhookBody.Largest - WebhookBody.Of(FailedJob("")).Length;

        var largest = WebhookBody.Of(FailedJob(new string('n', room)));
        var cut = WebhookBody.Of(FailedJob(new string('n', room + 1)));

        Assert.Equal(WebhookBody.Largest, largest.Length);
        Assert.Equal(room, Task(largest).Length);
        Assert.Matches("^n+…$", Task(cut));

        static string Task(byte[] body) => JsonSerializer.Deserialize<JsonElement>(body).GetProperty("data").GetProperty("failure").GetProperty("task").GetString()!;
    }

    [Fact]
    public void A_message_keeps_within_its_limit_also_when_every_character_is_an_escape()
    {
        var text = new string('\u0001', 40_000);
        var body = WebhookBody.Of(FailedJob(text, text, text) with { Hosts = new Dictionary<string, HostSummary> { [text] = new(0, 0, 0, 1, 0, 0, 0) } });

        Assert.InRange(body.Length, WebhookBody.Largest * 9 / 10, WebhookBody.Largest);
        Assert.True(JsonSerializer.Deserialize<JsonElement>(body).GetProperty("data").GetProperty("hosts_truncated").GetBoolean());
    }

    static Job FailedJob(string task, string host = "h", string message = "m") => new()
    {
        Id = default,
        Status = JobStatus.Failed,
        Outcome = JobOutcome.TasksFailed,
        Request = new() { Labels = Enumerable.Range(0, 32).ToDictionary(i => $"label-{i}", _ => "value") },
        ApiKeyName = "test",
        Attempt = 1,
        Failure = new(JobOutcome.TasksFailed.Word(), message, task, host),
        CreatedAt = DateTimeOffset.UnixEpoch,
        FinishedAt = DateTimeOffset.UnixEpoch,
    };

    static async Task<JobId> CancelledJobAsync(JobSystem system, string callbackUrl)
    {
        // Whether a worker took it before the cancel does not matter here.
        var id = await system.SubmitAsync(new { source = new { type = "inline", content = "- hosts: localhost\n  tasks:\n    - command: sleep 600\n" }, callback_url = callbackUrl });
        await system.Client.PostAsync($"/api/v1/jobs/{id}/cancel", null);
        return id;
    }

    /// <summary>The job's delivery, once it is as wanted: nothing signals that to callers.</summary>
    static async Task<JsonElement> DeliveryAsync(JobSystem system, JobId id, Func<string, bool> wanted, int attempts = 0)
    {
        while (true)
        {
            var deliveries = await system.Client.GetFromJsonAsync<JsonElement>($"/api/v1/jobs/{id}/deliveries", TestContext.Current.CancellationToken);
            if (deliveries.GetProperty("items").EnumerateArray().FirstOrDefault() is { ValueKind: JsonValueKind.Object } delivery
                && wanted(delivery.GetProperty("status").GetString()!) && delivery.GetProperty("attempt").GetInt32() >= attempts
                && (attempts == 0 || delivery.TryGetProperty("last_error", out _)))
                return delivery;
            await Task.Delay(TimeSpan.FromMilliseconds(50), TimeProvider.System, TestContext.Current.CancellationToken);
        }
    }
}

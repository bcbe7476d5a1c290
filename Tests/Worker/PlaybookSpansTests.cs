using System.Collections.Concurrent;
using System.Diagnostics;
using System.Text;
using System.Text.Json;
using AspireJobs.Jobs;
using AspireJobs.Worker.Ansible;

namespace AspireJobs.Tests.Worker;

/// <summary>Which spans a large run leaves.</summary>
public sealed class PlaybookSpansTests
{
    [Fact]
    public void A_large_run_leaves_out_plain_hosts_and_keeps_those_that_failed_changed_or_were_slow()
    {
        var spans = Record(observe =>
        {
            observe("playbook_on_play_start", 0, new { play = "all" });
            observe("playbook_on_task_start", 0, new { task = "Do", task_uuid = "1", action = "command" });
            for (var host = 0; host < 1000; host++)
                Run($"plain-{host}", 1, "runner_on_ok", new { });
            Run("changed", 1, "runner_on_ok", new { changed = true });
            Run("slow", 20, "runner_on_ok", new { });
            Run("failed", 1, "runner_on_failed", new { res = new { msg = "no" } });
            observe("playbook_on_stats", 30, new { });

            void Run(string host, int seconds, string end, object result)
            {
                observe("runner_on_start", 0, new { task_uuid = "1", host });
                observe(end, seconds, Merge(new { task_uuid = "1", task = "Do", host }, result));
            }
        });

        var task = spans.Single(span => span.DisplayName == "task Do");
        var hosts = spans.Where(span => span.DisplayName.StartsWith("host ", StringComparison.Ordinal)).Select(span => span.DisplayName).ToList();
        Assert.Superset(new HashSet<string> { "host changed", "host slow", "host failed" }, hosts.ToHashSet());
        Assert.Equal(503, hosts.Count);
        Assert.Equal([500, 1001, 1, 1], new[] { "without_span", "ok", "changed", "failed" }.Select(count => (int)task.GetTagItem($"ansible.task.hosts.{count}")!));
        Assert.Equal(("failure", ActivityStatusCode.Error), ((string?)task.GetTagItem("cicd.pipeline.task.run.result"), task.Status));
        Assert.Equal(TimeSpan.FromSeconds(20), spans.Single(span => span.DisplayName == "host slow").Duration);
    }

    [Theory]
    [InlineData(true, ActivityStatusCode.Unset)]
    [InlineData(false, ActivityStatusCode.Error)]
    public void A_failure_that_a_rescue_section_catches_is_none_of_the_play(bool rescued, ActivityStatusCode status)
    {
        var spans = Record(observe =>
        {
            observe("playbook_on_play_start", 0, new { play = "all" });
            observe("playbook_on_task_start", 0, new { task = "Do", task_uuid = "1", action = "command" });
            observe("runner_on_failed", 1, new { task_uuid = "1", task = "Do", host = "web1", rescued });
            observe("playbook_on_stats", 2, new { });
        });

        Assert.Equal(status, spans.Single(span => span.DisplayName == "play all").Status);
        Assert.Equal(ActivityStatusCode.Error, spans.Single(span => span.DisplayName == "host web1").Status);
    }

    [Fact]
    public void A_run_that_is_killed_ends_what_is_open_as_unfinished()
    {
        var spans = Record(observe =>
        {
            observe("playbook_on_play_start", 0, new { play = "all" });
            observe("playbook_on_task_start", 0, new { task = "Do", task_uuid = "1", action = "command" });
            observe("runner_on_start", 0, new { task_uuid = "1", host = "web1" });
        });

        Assert.Equal(["host web1", "play all", "task Do"], spans.Select(span => span.DisplayName).Order());
        Assert.Equal("unfinished", spans.Single(span => span.DisplayName == "host web1").GetTagItem("ansible.task.host.status"));
        Assert.Equal("cancellation", spans.Single(span => span.DisplayName == "task Do").GetTagItem("cicd.pipeline.task.run.result"));
    }

    static ConcurrentQueue<Activity> Record(Action<Action<string, int, object>> run)
    {
        // Other tests of this process make spans too.
        using var root = new Activity("test").SetIdFormat(ActivityIdFormat.W3C).Start();
        var ended = new ConcurrentQueue<Activity>();
        using var listener = new ActivityListener
        {
            ShouldListenTo = source => source.Name == JobsTelemetry.Name,
            Sample = (ref ActivityCreationOptions<ActivityContext> options) => options.TraceId == root.TraceId ? ActivitySamplingResult.AllDataAndRecorded : ActivitySamplingResult.None,
            ActivityStopped = span =>
            {
                if (span.TraceId == root.TraceId)
                    ended.Enqueue(span);
            },
        };
        ActivitySource.AddActivityListener(listener);
        var (seq, start) = (0, TimeProvider.System.GetUtcNow().ToUnixTimeSeconds());
        using (var spans = new PlaybookSpans())
            run((type, second, fields) => spans.Observe(PlaybookEvent.Parse(
                Encoding.UTF8.GetBytes(JsonSerializer.Serialize(Merge(new { seq = ++seq, ts = (start + second) * 1_000_000_000, @event = type }, fields))), new Redactor([]))));
        return ended;
    }

    static Dictionary<string, object?> Merge(object one, object other) =>
        new[] { one, other }.SelectMany(part => part as Dictionary<string, object?> ?? part.GetType().GetProperties().ToDictionary(property => property.Name, property => property.GetValue(part)))
            .ToDictionary(pair => pair.Key, pair => pair.Value);
}

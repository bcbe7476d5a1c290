using System.Text.Json.Nodes;
using Microsoft.Playwright;
using static Microsoft.Playwright.Assertions;

namespace AspireJobs.Tests.Dashboard;

/// <summary>The pages in a real browser, showing the real system.</summary>
public sealed class PagesTests(BrowsedSystem system) : IClassFixture<BrowsedSystem>, IDisposable
{
    // The specification's flow, and what the playbook adds to it.
    static readonly string[] Stages =
    [
        "POST /api/v1/jobs", "api.submit_job", "db.create_job", "redis.enqueue", "worker.execute", "fetch_source", "resolve_credentials", "run_playbook",
        "play Hello", "task Say hello", "host localhost", "upload_logs", "send_webhook",
    ];

    public void Dispose() => Assert.Empty(system.Faults);

    [Fact]
    public async Task A_job_is_found_by_its_id_and_its_waterfall_shows_every_stage()
    {
        var page = await system.OpenAsync("/traces");
        await page.GetByPlaceholder("Search spans").FillAsync(system.Job.Id.ToString());
        // Requests for the job are found as well: it is in their path.
        var submission = page.Locator(".t-traces .virtual .row").Filter(new() { HasText = "POST /api/v1/jobs" });
        await Expect(submission).ToHaveCountAsync(1);
        await submission.GetByRole(AriaRole.Link).ClickAsync();
        await page.SetViewportSizeAsync(1280, 2000);

        foreach (var stage in Stages)
            await Expect(page.Locator(".spans .span .title").GetByText(stage, new() { Exact = true }).First).ToBeVisibleAsync();
        await Expect(page.Locator(".chip.job")).ToContainTextAsync(system.Job.Id.ToString());
        await Expect(page.Locator(".spans .critical").First).ToBeAttachedAsync();
        await Expect(page.Locator(".spans .log .title").Filter(new() { HasText = "job_started" })).ToBeVisibleAsync();

        await Span(page, "run_playbook").GetByRole(AriaRole.Button).ClickAsync();
        await Expect(Span(page, "play Hello")).ToHaveCountAsync(0);
        await page.GetByPlaceholder("Search in this trace").FillAsync("Say hello");
        await Expect(Span(page, "task Say hello")).ToBeVisibleAsync();
        await Expect(page.Locator(".toolbar .found")).ToHaveTextAsync("1 of 1 match");
    }

    [Fact]
    public async Task From_a_span_to_its_log_lines_and_back()
    {
        var page = await system.OpenAsync($"/traces/detail/{system.Job.TraceId}");
        await system.WaitAsync($"/api/ui/traces/{system.Job.TraceId}", trace => trace.GetProperty("spans").EnumerateArray().Any(span => span.GetProperty("name").GetString() == "send_webhook"));
        await Expect(page.Locator(".trace-heading")).Not.ToContainTextAsync("running");
        await Chromium.PictureAsync(page, "trace");
        await Span(page, "worker.execute").ClickAsync();
        await Expect(page.Locator(".pane")).ToContainTextAsync(system.Job.Id.ToString());
        await page.EmulateMediaAsync(new() { ColorScheme = ColorScheme.Dark });
        await Chromium.PictureAsync(page, "trace-dark");

        await page.Locator(".pane").GetByRole(AriaRole.Link, new() { Name = "Log records" }).ClickAsync();
        var record = page.Locator(".t-logs .virtual .row").Filter(new() { HasText = "job_started" });
        await Expect(record).ToHaveCountAsync(1);
        await record.GetByRole(AriaRole.Link).ClickAsync();
        await Expect(page.Locator(".spans .row.selected")).ToContainTextAsync("worker.execute");

        await page.Locator(".pane").GetByRole(AriaRole.Link, new() { Name = "Console lines" }).ClickAsync();
        await page.GetByPlaceholder("Filter lines").FillAsync(system.Job.Id.ToString());
        await page.Locator(".console .line").Filter(new() { HasText = "job_started" }).Filter(new() { HasText = system.Job.Id.ToString() }).ClickAsync();
        await page.Locator(".pane").GetByRole(AriaRole.Link, new() { Name = system.Job.TraceId! }).ClickAsync();
        await Expect(Span(page, "worker.execute")).ToBeVisibleAsync();
    }

    [Fact]
    public async Task Log_records_are_filtered_by_field_and_level()
    {
        var page = await system.OpenAsync("/structuredlogs");
        var rows = page.Locator(".t-logs .virtual .row");
        await page.GetByRole(AriaRole.Button, new() { Name = "Filter", Exact = true }).ClickAsync();
        await page.GetByLabel("Field").FillAsync("job_id");
        await page.GetByLabel("Value").FillAsync(system.Job.Id.ToString());
        await page.GetByRole(AriaRole.Button, new() { Name = "Add" }).ClickAsync();

        await Expect(rows.Filter(new() { HasText = "webhook_sent" })).ToHaveCountAsync(1);
        await Expect(rows.Filter(new() { HasNotText = system.Job.Id.ToString() })).ToHaveCountAsync(0);
        await rows.Filter(new() { HasText = "job_completed" }).ClickAsync();
        await Expect(page.Locator(".pane")).ToContainTextAsync("duration_seconds");
        await Chromium.PictureAsync(page, "logs");

        await page.GetByLabel("Level").SelectOptionAsync("Error");
        await Expect(page.GetByText("No record fits")).ToBeVisibleAsync();
        await page.ReloadAsync();
        await Expect(page.GetByText("No record fits")).ToBeVisibleAsync();
        await page.GetByRole(AriaRole.Link, new() { Name = "Show all records" }).ClickAsync();
        // Which ones depends on how many there are: only what fits on the screen is in the page.
        await Expect(rows.First).ToBeAttachedAsync();
        await Expect(page.GetByLabel("Level")).ToHaveValueAsync("");
    }

    [Fact]
    public async Task A_paused_page_stands_still_and_goes_on()
    {
        var page = await system.OpenAsync("/traces");
        var found = page.Locator(".toolbar .found");
        await Expect(found).ToContainTextAsync("trace");
        await page.GetByRole(AriaRole.Button, new() { Name = "Live" }).ClickAsync();
        var before = await found.TextContentAsync();

        var job = await system.SubmitAsync();
        await system.WaitAsync("/api/ui/traces?limit=100", answer => answer.GetProperty("traces").EnumerateArray().Any(trace => trace.GetProperty("id").GetString() == job.TraceId));
        await Expect(found).ToHaveTextAsync(before!);
        await Expect(page.Locator($"a[href='/traces/detail/{job.TraceId}']")).ToHaveCountAsync(0);

        await page.GetByRole(AriaRole.Button, new() { Name = "Paused" }).ClickAsync();
        await Expect(page.Locator($"a[href='/traces/detail/{job.TraceId}']")).ToBeVisibleAsync();
    }

    [Fact]
    public async Task A_trace_grows_while_its_playbook_runs()
    {
        var gate = Path.Combine(Path.GetTempPath(), $"gate-{Guid.NewGuid():N}");
        var job = await system.SubmitPlaybookAsync($"""
            - name: Patient
              hosts: localhost
              gather_facts: false
              tasks:
                - name: Say that it has begun
                  ansible.builtin.debug:
                    msg: begun
                - name: Wait for the gate
                  ansible.builtin.wait_for:
                    path: {gate}
            """);
        // Before that the page would say that there is no such trace, which the browser logs as a fault.
        await system.WaitAsync("/api/ui/traces?limit=100", answer => answer.GetProperty("traces").EnumerateArray().Any(trace => trace.GetProperty("id").GetString() == job.TraceId));
        var page = await system.OpenAsync($"/traces/detail/{job.TraceId}");

        await Expect(Span(page, "task Say that it has begun")).ToBeVisibleAsync();
        await Expect(page.Locator(".trace-heading")).ToContainTextAsync("running");
        var open = page.Locator(".spans .row.span").Filter(new() { HasText = "(still running)" }).First.Locator(".bar.open");
        // Its end is the present.
        await open.EvaluateAsync("bar => new Promise(grown => { const width = bar.offsetWidth, look = () => [...document.querySelectorAll('.bar.open')].some(one => one.offsetWidth > width) ? grown() : requestAnimationFrame(look); look(); })");
        await File.WriteAllTextAsync(gate, "", TestContext.Current.CancellationToken);

        await Expect(Span(page, "task Wait for the gate")).ToBeVisibleAsync();
        await Expect(Span(page, "worker.execute")).ToBeVisibleAsync();
        await Expect(page.Locator(".bar.open")).ToHaveCountAsync(0);
        await Expect(page.Locator(".trace-heading")).Not.ToContainTextAsync("running");
        File.Delete(gate);
    }

    [Fact]
    public async Task Resources_tell_their_state_show_secrets_on_demand_and_restart()
    {
        var page = await system.OpenAsync("/");
        var webhooks = page.Locator(".t-resources .virtual .row").Filter(new() { HasText = "webhooks" });
        await Expect(webhooks).ToContainTextAsync("Running");
        await Expect(page.Locator(".t-resources .virtual .row").Filter(new() { HasText = "migrator" })).ToContainTextAsync("Finished");
        await Chromium.PictureAsync(page, "resources");
        await webhooks.ClickAsync();
        var secret = page.Locator(".pane .properties > div").Filter(new() { HasText = "ConnectionStrings__redis" });
        await Expect(secret).ToContainTextAsync("••••");
        await secret.GetByRole(AriaRole.Button, new() { Name = "Show" }).ClickAsync();
        await Expect(secret).ToContainTextAsync("password=");

        var before = StartOf(await system.WaitAsync("/api/ui/resources", _ => true));
        await webhooks.GetByRole(AriaRole.Button, new() { Name = "Restart webhooks" }).ClickAsync();
        await system.WaitAsync("/api/ui/resources", answer => StartOf(answer) is { } start && start != before);
        await Expect(webhooks).ToContainTextAsync("Running");

        await page.GetByRole(AriaRole.Link, new() { Name = "Graph" }).ClickAsync();
        await Expect(page.Locator(".graph .edge[data-from=webhooks][data-to=redis]")).ToBeAttachedAsync();

        // Null while it does not run.
        static double? StartOf(System.Text.Json.JsonElement answer) => answer.GetProperty("resources").EnumerateArray()
            .Where(r => r.GetProperty("name").GetString() == "webhooks" && r.GetProperty("state").GetString() == "Running").Select(r => (double?)r.GetProperty("startedAt").GetDouble()).FirstOrDefault();
    }

    [Fact]
    public async Task The_console_keeps_the_newest_lines_up_to_its_limit()
    {
        var page = await system.OpenAsync("/");
        await page.RouteAsync("**/api/ui/info", async route =>
        {
            var info = JsonNode.Parse(await (await route.FetchAsync()).TextAsync())!;
            Assert.Equal(10_000, (int)info["maxConsoleLogCount"]!);
            info["maxConsoleLogCount"] = 3;
            await route.FulfillAsync(new() { Json = info });
        });
        await page.GotoAsync(new Uri(new Uri(page.Url), "/consolelogs/resource/worker").ToString());
        await Expect(page.Locator(".toolbar .found")).ToHaveTextAsync("3 lines");

        var job = await system.SubmitAsync();

        await Expect(page.Locator(".console .line").Filter(new() { HasText = "job_completed" }).Filter(new() { HasText = job.Id.ToString() })).ToBeVisibleAsync();
        await Expect(page.Locator(".toolbar .found")).ToHaveTextAsync("3 lines");
    }

    [Fact]
    public async Task An_exemplar_of_a_histogram_opens_its_trace()
    {
        await system.SubmitAsync();
        var page = await system.OpenAsync("/metrics", ColorScheme.Dark);
        await page.Locator(".metric-tree > details").Filter(new() { HasText = "api" }).First.Locator("details > summary", new() { HasText = "AspireJobs" }).First.ClickAsync();
        await page.GetByRole(AriaRole.Link, new() { Name = "ansible_api_request_duration_seconds" }).First.ClickAsync();
        await Expect(page.Locator(".exemplar").First).ToBeVisibleAsync();
        await Expect(page.Locator(".chart-legend")).ToContainTextAsync("P99");
        await Chromium.PictureAsync(page, "metrics");

        await page.GetByRole(AriaRole.Button, new() { Name = "Table" }).ClickAsync();
        await Expect(page.Locator(".values th").Nth(1)).ToHaveTextAsync("P99");
        await page.GetByRole(AriaRole.Button, new() { Name = "Graph" }).ClickAsync();
        await page.Locator(".exemplar").First.ClickAsync();
        await Expect(page.Locator(".spans .row.selected")).ToBeVisibleAsync();
    }

    static ILocator Span(IPage page, string name) => page.Locator(".spans .row.span").Filter(new() { Has = page.GetByText(name, new() { Exact = true }) });
}

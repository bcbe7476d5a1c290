using Microsoft.Playwright;
using static Microsoft.Playwright.Assertions;

namespace AspireJobs.Tests.Dashboard;

/// <summary>Pages that stay open while telemetry comes, in a real browser.</summary>
public sealed class LivePagesTests(LivePagesTests.SmallDashboard shared) : IClassFixture<LivePagesTests.SmallDashboard>, IAsyncDisposable
{
    const int MaxTraces = 300;

    IPage? _page;

    DashboardProcess Dashboard => shared.Dashboard;

    public async ValueTask DisposeAsync()
    {
        // What it shows may be forgotten while another test runs.
        await _page!.CloseAsync();
        Assert.Empty(shared.Chromium.Faults);
    }

    [Fact]
    public async Task A_full_list_of_traces_stands_still_for_whoever_has_scrolled_down()
    {
        await Dashboard.SendAsync("traces", Otlp.Spans("filler", [.. Enumerable.Range(1, MaxTraces).Select(i => Otlp.Span(1000 + i, 1, 0, $"old {i}", i, i + 1))]));
        var page = await OpenAsync("/traces");
        var row = page.Locator(".t-traces .virtual .row").Filter(new() { Has = page.GetByText("old 250", new() { Exact = true }) });
        // What is not filled yet cannot be scrolled.
        await Expect(page.Locator(".t-traces")).ToHaveAttributeAsync("aria-rowcount", $"{MaxTraces}");
        await Expect(page.Locator(".t-traces .virtual .row").First).ToBeVisibleAsync();
        await page.Locator(".t-traces .virtual").EvaluateAsync("list => list.scrollTop = 40 * 34");
        await Expect(row).ToBeVisibleAsync();
        var before = await row.BoundingBoxAsync();

        await Dashboard.SendAsync("traces", Otlp.Spans("filler", [.. Enumerable.Range(1, 7).Select(i => Otlp.Span(2000 + i, 1, 0, $"new {i}", 10_000 + i, 10_001 + i))]));
        await Expect(row).ToHaveAttributeAsync("aria-rowindex", $"{MaxTraces - 250 + 1 + 7}");

        Assert.Equal(before!.Y, (await row.BoundingBoxAsync())!.Y);
        Assert.Equal($"{MaxTraces}", await page.Locator(".t-traces").GetAttributeAsync("aria-rowcount"));
    }

    [Fact]
    public async Task Lists_and_details_are_used_by_keyboard_alone()
    {
        await Dashboard.SendAsync("traces", Otlp.Spans("typist", Otlp.Span(1, 1, 0, "typed", 0, 100), Otlp.Span(1, 2, 1, "letter", 10, 30), Otlp.Span(1, 3, 1, "stop", 50, 60)));
        await Dashboard.SendAsync("logs", Otlp.Logs("typist", Otlp.Log(20, 9, "key pressed", 1, 2)));
        await Dashboard.SendAsync("traces", Otlp.Spans("typist", Otlp.Span(41, 1, 0, "left out by the search", 0, 100)));
        var page = await OpenAsync("/");
        var details = page.Locator(".pane h2");

        await page.Keyboard.PressAsync("t");
        await page.GetByPlaceholder("Search spans").WaitForAsync();
        await page.Keyboard.PressAsync("/");
        await page.Keyboard.TypeAsync("typed");
        await Expect(page.Locator(".toolbar .found")).ToContainTextAsync("1 trace of");
        await page.Keyboard.PressAsync("ArrowDown");
        await page.Keyboard.PressAsync("ArrowDown");
        await Expect(page.Locator(".t-traces .virtual:focus-visible .current")).ToContainTextAsync("typed");
        await page.Keyboard.PressAsync("Enter");

        await Expect(page.Locator(".spans .row.span")).ToHaveCountAsync(3);
        await page.Keyboard.PressAsync("ArrowDown");
        await page.Keyboard.PressAsync("ArrowDown");
        await Expect(details).ToHaveTextAsync("letter");
        await page.Keyboard.PressAsync("z");
        await Expect(page.GetByRole(AriaRole.Button, new() { Name = "Whole trace" })).ToBeVisibleAsync();
        await page.Keyboard.PressAsync("Z");
        await page.Keyboard.PressAsync("ArrowUp");
        await page.Keyboard.PressAsync("ArrowLeft");
        await Expect(page.Locator(".spans .row.span")).ToHaveCountAsync(1);
        await page.Keyboard.PressAsync("Tab");
        await Expect(page.Locator(".pane :focus-visible")).ToHaveAttributeAsync("aria-label", "Close (Esc)");
        await page.Keyboard.PressAsync("Escape");
        await Expect(page.Locator(".pane")).ToBeHiddenAsync();

        await page.Keyboard.PressAsync("s");
        await Expect(page.Locator(".t-logs .virtual .row").Filter(new() { HasText = "key pressed" })).ToBeVisibleAsync();
        await page.Keyboard.PressAsync("End");
        await page.Keyboard.PressAsync("Enter");
        await Expect(page.Locator(".pane pre.message")).ToHaveTextAsync("key pressed");
    }

    [Fact]
    public async Task A_trace_comes_back_through_the_page_as_it_was_exported()
    {
        await Dashboard.SendAsync("traces", Otlp.Spans("traveller", Otlp.Span(2, 1, 0, "there and back", 0, 10, isError: true), Otlp.Span(2, 2, 1, "naïve ☃", 2, 8, attributes: [Otlp.Number("n", long.MaxValue)])));
        await Dashboard.SendAsync("logs", Otlp.Logs("traveller", Otlp.Log(5, 17, "halfway", 2, 2)));
        var page = await OpenAsync($"/traces/detail/{Otlp.TraceId(2)}");
        var exported = await DownloadAsync();

        await page.GotoAsync($"{Dashboard.Url}/traces/resource/traveller");
        await page.GetByRole(AriaRole.Button, new() { Name = "More" }).ClickAsync();
        await page.GetByRole(AriaRole.Menuitem, new() { Name = "Clear the traces of traveller" }).ClickAsync();
        await Expect(page.GetByText("No trace fits")).ToBeVisibleAsync();
        await Dashboard.Browser.DeleteAsync("/api/ui/telemetry?of=logs&resource=traveller", TestContext.Current.CancellationToken);
        await page.Locator("input[type=file]").SetInputFilesAsync(exported);
        await Expect(page.Locator(".spans .row")).ToHaveCountAsync(3);

        Assert.Equal(await File.ReadAllTextAsync(exported, TestContext.Current.CancellationToken), await File.ReadAllTextAsync(await DownloadAsync(), TestContext.Current.CancellationToken));

        async Task<string> DownloadAsync()
        {
            var download = await page.RunAndWaitForDownloadAsync(() => page.GetByRole(AriaRole.Link, new() { Name = "Export" }).ClickAsync());
            Assert.Equal($"trace-{Otlp.TraceId(2)}.json", download.SuggestedFilename);
            return (await download.PathAsync())!;
        }
    }

    async Task<IPage> OpenAsync(string path)
    {
        _page = await shared.Chromium.OpenAsync($"{Dashboard.Url}/login?t={DashboardProcess.Token}");
        await _page.GotoAsync($"{Dashboard.Url}{path}");
        return _page;
    }

    public sealed class SmallDashboard : IAsyncLifetime
    {
        internal DashboardProcess Dashboard { get; private set; } = null!;

        internal Chromium Chromium { get; private set; } = null!;

        public async ValueTask InitializeAsync()
        {
            Dashboard = await DashboardProcess.StartAsync(("DASHBOARD__TELEMETRYLIMITS__MAXTRACECOUNT", $"{MaxTraces}"));
            Chromium = await Chromium.StartAsync();
        }

        public async ValueTask DisposeAsync()
        {
            await Chromium.DisposeAsync();
            await Dashboard.DisposeAsync();
        }
    }
}

using Aspire.Hosting.Testing;
using AspireJobs.Tests.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Playwright;
using static Microsoft.Playwright.Assertions;

namespace AspireJobs.Tests.Dashboard;

/// <summary>What services send and write is shown as text, whatever it is.</summary>
public sealed class ForeignTextTests
{
    const string Script = "<script>document.title = 'taken over'</script>";

    [Fact]
    public async Task Markup_in_spans_and_log_records_is_text()
    {
        await using var dashboard = await DashboardProcess.StartAsync();
        await using var chromium = await Chromium.StartAsync();
        await dashboard.SendAsync("traces", Otlp.Spans($"service {Script}", Otlp.Span(1, 1, 0, Script, 0, 5, attributes: [Otlp.Text(Script, Script)])));
        await dashboard.SendAsync("logs", Otlp.Logs($"service {Script}", Otlp.Log(1, 9, Script, 1, 1, Otlp.Text(Script, Script))));

        var page = await chromium.OpenAsync($"{dashboard.Url}/login?t={DashboardProcess.Token}");
        await page.GotoAsync($"{dashboard.Url}/traces");
        await Expect(page.Locator(".t-traces .virtual .title")).ToHaveTextAsync(Script);
        await page.GotoAsync($"{dashboard.Url}/traces/detail/{Otlp.TraceId(1)}?spanId={Otlp.SpanId(1)}");
        await Expect(page.Locator(".pane h2")).ToHaveTextAsync(Script);
        await page.GotoAsync($"{dashboard.Url}/structuredlogs");
        await page.Locator(".t-logs .virtual .row").ClickAsync();
        await Expect(page.Locator(".pane pre.message")).ToHaveTextAsync(Script);

        Assert.Equal(0, await page.Locator("body script").CountAsync());
        Assert.StartsWith("Structured", await page.TitleAsync());
        Assert.Empty(chromium.Faults);
    }

    [Fact]
    public async Task Escape_sequences_in_console_lines_are_colours_or_nothing()
    {
        var login = new LoginLine();
        await using var builder = DistributedApplicationTestingBuilder.Create([], (options, _) => (options.DisableDashboard, options.AssemblyName) = (false, "AppHost"));
        builder.Services.AddLogging(logging => logging.ClearProviders().AddProvider(login));
        builder.AddScript("talker", $@"echo ""{Script}""; printf '\033[31mred\033[0m\n\033]8;;http://example.invalid/\007press here\033]8;;\007\n\033[2J\033]0;title\007end\n'; exec sleep 600");
        await using var app = await builder.StartAsync();
        await using var chromium = await Chromium.StartAsync();

        var page = await chromium.OpenAsync(await login.Url);
        await page.GetByRole(AriaRole.Link, new() { Name = "Console of talker" }).ClickAsync();

        await Expect(page.Locator(".console .text").Filter(new() { HasText = "script" })).ToHaveTextAsync(Script);
        await Expect(page.Locator(".console .a-1")).ToHaveTextAsync("red");
        await Expect(page.Locator(".console .text").Filter(new() { HasText = "press" })).ToHaveTextAsync("press here");
        await Expect(page.Locator(".console .text").Filter(new() { HasText = "end" })).ToHaveTextAsync("end");
        Assert.Equal(0, await page.Locator(".console a").CountAsync());
        Assert.Empty(chromium.Faults);
    }
}

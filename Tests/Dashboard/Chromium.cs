using System.Collections.Concurrent;
using AspireJobs.Tests.Infrastructure;
using Microsoft.Playwright;

namespace AspireJobs.Tests.Dashboard;

/// <summary>A real browser without a window.</summary>
sealed class Chromium : IAsyncDisposable
{
    // Where Debian's package has it.
    const string Executable = "/usr/bin/chromium";

    static readonly string[] Arguments =
        ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"];

    readonly IPlaywright _playwright;
    readonly IBrowser _browser;
    readonly ConcurrentQueue<string> _faults = new();

    Chromium(IPlaywright playwright, IBrowser browser) => (_playwright, _browser) = (playwright, browser);

    /// <summary>What pages threw or wrote to their console as errors, such as what the content security policy forbade.</summary>
    public IReadOnlyCollection<string> Faults => _faults;

    public static async Task<Chromium> StartAsync()
    {
        // Nothing is measured here, and the machine may be busy.
        Assertions.SetDefaultExpectTimeout(90_000);
        var playwright = await Playwright.CreateAsync();
        return new(playwright, await playwright.Chromium.LaunchAsync(new() { ExecutablePath = Executable, Args = Arguments }));
    }

    /// <summary>A page with cookies of its own.</summary>
    public async Task<IPage> OpenAsync(string url, ColorScheme scheme = ColorScheme.Light)
    {
        var context = await _browser.NewContextAsync(new() { ViewportSize = new() { Width = 1280, Height = 800 }, ColorScheme = scheme });
        context.SetDefaultTimeout(90_000);
        var page = await context.NewPageAsync();
        page.PageError += (_, error) => _faults.Enqueue(error);
        page.Console += (_, message) =>
        {
            if (message.Type == "error")
                _faults.Enqueue(message.Text);
        };
        await page.GotoAsync(url);
        return page;
    }

    /// <summary>Saves a picture for the documentation, when the variable SCREENSHOTS names a folder of the repository.</summary>
    public static async Task PictureAsync(IPage page, string name)
    {
        if (Environment.GetEnvironmentVariable("SCREENSHOTS") is { Length: > 0 } folder)
            await page.ScreenshotAsync(new() { Path = Path.Combine(Repository.Path(folder), $"{name}.png"), Animations = ScreenshotAnimations.Disabled });
    }

    public async ValueTask DisposeAsync()
    {
        await _browser.DisposeAsync();
        _playwright.Dispose();
    }
}

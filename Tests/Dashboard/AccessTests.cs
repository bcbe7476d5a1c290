using System.Net;
using System.Text.RegularExpressions;

namespace AspireJobs.Tests.Dashboard;

/// <summary>Who gets to see the dashboard.</summary>
public sealed class AccessTests
{
    static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Nothing_is_shown_before_the_login_and_all_of_it_after()
    {
        await using var dashboard = await DashboardProcess.StartAsync();

        foreach (var path in new[] { "/api/ui/traces", "/api/ui/changes", "/api/ui/resources", "/api/telemetry/spans", "/api/telemetry/logs?follow=true" })
            Assert.Equal(HttpStatusCode.Unauthorized, (await dashboard.Anonymous.GetAsync(path, Stop)).StatusCode);
        using var page = await dashboard.Anonymous.GetAsync("/traces/detail/1?spanId=2", Stop);
        Assert.Equal("/login?returnUrl=%2Ftraces%2Fdetail%2F1%3FspanId%3D2", page.Headers.Location!.OriginalString);
        Assert.Equal(HttpStatusCode.OK, (await dashboard.Anonymous.GetAsync("/login", Stop)).StatusCode);

        foreach (var path in new[] { "/", "/api/ui/traces", "/api/telemetry/spans" })
            Assert.Equal(HttpStatusCode.OK, (await dashboard.Browser.GetAsync(path, Stop)).StatusCode);
    }

    [Fact]
    public async Task The_printed_address_logs_in_and_a_wrong_token_does_not()
    {
        await using var dashboard = await DashboardProcess.StartAsync(("DASHBOARD__FRONTEND__BROWSERTOKEN", DashboardProcess.Token));
        var printed = Regex.Match(dashboard.Output, @"Login to the dashboard at (\S+)").Groups[1].Value;

        using var right = await dashboard.Anonymous.GetAsync(new Uri(printed), Stop);
        using var wrong = await dashboard.Anonymous.GetAsync("/login?t=guess", Stop);
        using var posted = await dashboard.Anonymous.PostAsync("/login", new FormUrlEncodedContent([new("t", DashboardProcess.Token), new("returnUrl", "/metrics")]), Stop);

        Assert.Equal(("/", true), (right.Headers.Location!.OriginalString, right.Headers.Contains("Set-Cookie")));
        Assert.Matches("httponly", right.Headers.GetValues("Set-Cookie").Single());
        Assert.Equal(("/login?error=1&returnUrl=%2F", false), (wrong.Headers.Location!.OriginalString, wrong.Headers.Contains("Set-Cookie")));
        Assert.Equal(("/metrics", true), (posted.Headers.Location!.OriginalString, posted.Headers.Contains("Set-Cookie")));
    }

    [Theory]
    [InlineData("//evil.example")]
    [InlineData("/\\evil.example")]
    [InlineData("https://evil.example")]
    public async Task A_login_leads_to_no_other_host(string returnUrl)
    {
        await using var dashboard = await DashboardProcess.StartAsync();

        using var response = await dashboard.Anonymous.GetAsync($"/login?t={DashboardProcess.Token}&returnUrl={Uri.EscapeDataString(returnUrl)}", Stop);

        Assert.Equal("/", response.Headers.Location!.OriginalString);
    }

    [Fact]
    public async Task A_script_reads_telemetry_with_its_key_and_nothing_else()
    {
        await using var dashboard = await DashboardProcess.StartAsync(("DASHBOARD__API__PRIMARYAPIKEY", "first"), ("DASHBOARD__API__SECONDARYAPIKEY", "second"));

        foreach (var (key, path, expected) in new[]
        {
            ("first", "/api/telemetry/traces", HttpStatusCode.OK),
            ("second", "/api/telemetry/traces", HttpStatusCode.OK),
            ("third", "/api/telemetry/traces", HttpStatusCode.Unauthorized),
            ("first", "/api/ui/traces", HttpStatusCode.Unauthorized),
        })
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, path) { Headers = { { "X-API-Key", key } } };
            Assert.Equal(expected, (await dashboard.Anonymous.SendAsync(request, Stop)).StatusCode);
        }
    }

    [Theory]
    [InlineData("Origin", "http://localhost:8080")]
    [InlineData("Sec-Fetch-Site", "same-site")]
    public async Task Another_page_of_this_host_cannot_use_the_cookie_to_change_anything(string header, string value)
    {
        await using var dashboard = await DashboardProcess.StartAsync();
        await dashboard.SendAsync("traces", Otlp.Spans("api", Otlp.Span(1, 1, 0, "kept", 0, 1)));

        using var request = new HttpRequestMessage(HttpMethod.Delete, "/api/ui/telemetry?of=all") { Headers = { { header, value } } };
        Assert.Equal(HttpStatusCode.Forbidden, (await dashboard.Browser.SendAsync(request, Stop)).StatusCode);
        Assert.Equal(1, (await dashboard.GetAsync("/api/ui/traces")).GetProperty("total").GetInt32());

        Assert.Equal(HttpStatusCode.NoContent, (await dashboard.Browser.DeleteAsync("/api/ui/telemetry?of=all", Stop)).StatusCode);
        Assert.Equal(0, (await dashboard.GetAsync("/api/ui/traces")).GetProperty("total").GetInt32());
    }

    [Theory]
    [InlineData("DASHBOARD__FRONTEND__AUTHMODE", "Unsecured")]
    [InlineData("ASPIRE_DASHBOARD_UNSECURED_ALLOW_ANONYMOUS", "true")]
    [InlineData("DOTNET_DASHBOARD_UNSECURED_ALLOW_ANONYMOUS", "true")]
    public async Task The_login_is_off_where_the_settings_say_so(string name, string value)
    {
        await using var dashboard = await DashboardProcess.StartAsync((name, value));

        Assert.Equal(HttpStatusCode.OK, (await dashboard.Anonymous.GetAsync("/api/ui/traces", Stop)).StatusCode);
        Assert.Contains("everybody who reaches this address can read everything", dashboard.Output);
    }

    [Theory]
    [InlineData("DASHBOARD__OTLP__AUTHMODE", "ApiKey", "Dashboard:Otlp:PrimaryApiKey must have a value")]
    [InlineData("DASHBOARD__TELEMETRYLIMITS__MAXLOGCOUNT", "0", "Dashboard:TelemetryLimits:MaxLogCount must be 1 or more")]
    [InlineData("DASHBOARD__FRONTEND__MAXCONSOLELOGCOUNT", "0", "Dashboard:Frontend:MaxConsoleLogCount must be 1 or more")]
    [InlineData("DASHBOARD__FRONTEND__AUTHMODE", "OpenIdConnect", "Frontend:AuthMode is OpenIdConnect, which this dashboard does not support; it supports BrowserToken and Unsecured")]
    [InlineData("DASHBOARD__OTLP__AUTHMODE", "Certificate", "Otlp:AuthMode is Certificate, which this dashboard does not support; it supports Unsecured and ApiKey")]
    [InlineData("ASPNETCORE_URLS", "18888", "'18888' is not an address to listen at")]
    public async Task A_wrong_setting_keeps_it_from_starting_and_is_named(string name, string value, string fault)
    {
        var (exitCode, output) = await DashboardProcess.RunToEndAsync((name, value));

        Assert.Equal(1, exitCode);
        Assert.Contains(fault, output);
    }
}

using System.Diagnostics;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.RegularExpressions;
using AspireJobs.Jobs;
using AspireJobs.Tests.Infrastructure;

namespace AspireJobs.Tests.EndToEnd;

/// <summary>The AppHost as a process of its own, which dies in every way there is.</summary>
public sealed partial class AppHostDeathTests : IDisposable
{
    const string Key = "aj_admin-key-of-the-death-test";
    const string Mark = "ASPIREJOBS_TEST_MARK";

    readonly string _mark = Guid.NewGuid().ToString("N");
    readonly DirectoryInfo _data = Directory.CreateTempSubdirectory("aspirejobs-test-");

    static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Nothing_survives_and_nothing_is_lost_when_the_app_host_is_killed_while_a_job_runs()
    {
        JobId id;
        using (var host = Start())
        {
            using var client = await ClientAsync(host);
            using var accepted = await client.PostAsJsonAsync("/api/v1/jobs", new { source = new { type = "inline", content = "- hosts: localhost\n  gather_facts: false\n  tasks:\n    - debug: {msg: before}\n    - command: sleep 600\n" } }, Stop);
            id = (await accepted.Content.ReadFromJsonAsync(JobsJson.Default.Job, Stop))!.Id;
            await WaitForLogAsync(client, id, "before");

            host.Kill();
            await AllGoneAsync();
        }

        using var second = Start();
        using var again = await ClientAsync(second);
        await again.GetStringAsync($"/api/v1/jobs/{id}/logs?follow=true", Stop);
        var job = (await again.GetFromJsonAsync($"/api/v1/jobs/{id}", JobsJson.Default.Job, Stop))!;
        Assert.Equal((JobStatus.Failed, JobOutcome.WorkerLost, 1), (job.Status, job.Outcome, job.Attempt));

        Signal(second, "TERM");
        await second.WaitForExitAsync(Stop);
        Assert.Equal(0, second.ExitCode);
        await AllGoneAsync();
    }

    Process Start()
    {
        var start = new ProcessStartInfo(Path.Combine(AppContext.BaseDirectory, "AppHost"))
        {
            RedirectStandardOutput = true,
            WorkingDirectory = Repository.Root,
            Environment =
            {
                [Mark] = _mark,
                ["DOTNET_ENVIRONMENT"] = "Development",
                ["DcpPublisher__RandomizePorts"] = "true",
                ["Aspire__Containers"] = "false",
                ["Aspire__Store__Path"] = _data.FullName,
                ["Parameters__admin_api_key"] = Key,
            },
        };
        return Process.Start(start)!;
    }

    /// <summary>Waits until the API listens; the address is the one that the API's own log tells.</summary>
    static async Task<HttpClient> ClientAsync(Process host)
    {
        string? address = null;
        while (address is null && await host.StandardOutput.ReadLineAsync(Stop) is { } line)
            if (ApiAddress().Match(line) is { Success: true } match)
                address = match.Groups[1].Value;
        _ = host.StandardOutput.BaseStream.CopyToAsync(Stream.Null, CancellationToken.None);
        var client = new HttpClient { BaseAddress = new Uri(Assert.IsType<string>(address)) };
        client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", Key);
        return client;
    }

    static async Task WaitForLogAsync(HttpClient client, JobId id, string text)
    {
        using var reader = new StreamReader(await client.GetStreamAsync($"/api/v1/jobs/{id}/logs?follow=true", Stop));
        while (await reader.ReadLineAsync(Stop) is { } line)
            if (line.Contains(text, StringComparison.Ordinal))
                return;
        Assert.Fail($"The job ended without '{text}' in its log.");
    }

    async Task AllGoneAsync()
    {
        // Nothing tells when a process of somebody else ends; the look is short and bounded by the test's own time limit.
        var start = TimeProvider.System.GetTimestamp();
        while (Processes.WithEnvironment($"{Mark}={_mark}") is { Count: > 0 } alive)
        {
            Assert.True(TimeProvider.System.GetElapsedTime(start) < TimeSpan.FromSeconds(30), $"still alive: {string.Join(", ", alive.Select(Processes.Describe))}");
            await Task.Delay(TimeSpan.FromMilliseconds(100), TimeProvider.System, Stop);
        }
    }

    static void Signal(Process process, string signal)
    {
        using var kill = Process.Start("kill", [$"-{signal}", $"{process.Id}"]);
        kill.WaitForExit();
    }

    public void Dispose()
    {
        foreach (var id in Processes.WithEnvironment($"{Mark}={_mark}"))
            using (var process = Process.GetProcessById(id))
                process.Kill();
        _data.Delete(recursive: true);
    }

    [GeneratedRegex("\"address\":\"(http://localhost:[0-9]+)\".*\"service\":\"api\"")]
    private static partial Regex ApiAddress();
}

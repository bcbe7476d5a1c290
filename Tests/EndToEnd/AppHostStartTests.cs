using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using AspireJobs.Tests.Infrastructure;

namespace AspireJobs.Tests.EndToEnd;

/// <summary>A start that cannot succeed says why in one line, names the remedy, and exits with 1.</summary>
public sealed class AppHostStartTests : IDisposable
{
    static readonly TimeSpan Patience = TimeSpan.FromMinutes(1);

    readonly DirectoryInfo _data = Directory.CreateTempSubdirectory("aspirejobs-test-");

    [Fact]
    public async Task A_missing_program_is_named_with_its_package()
    {
        var (exitCode, output) = await StartAsync(("PATH", "/nowhere"));

        Assert.Equal(1, exitCode);
        Assert.Contains(output, line => line.Contains("redis-server", StringComparison.Ordinal) && line.Contains("redis", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Monitoring_that_is_asked_for_and_cannot_be_had_is_told_in_one_line()
    {
        var (_, output) = await StartAsync(("PATH", "/nowhere"), ("Observability__Enabled", "true"));

        Assert.Single(output, line => line.Contains("no container engine answers, and prometheus is not installed", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_taken_port_is_named()
    {
        using var occupant = new TcpListener(IPAddress.Loopback, 8080);
        try
        {
            occupant.Start();
        }
        catch (SocketException)
        {
            // Somebody else has it already, which serves as well.
        }

        var (exitCode, output) = await StartAsync(("DcpPublisher__RandomizePorts", "false"));

        Assert.Equal(1, exitCode);
        Assert.Contains(output, line => line.Contains("8080", StringComparison.Ordinal) && line.Contains("api", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_data_directory_that_is_a_file_is_named()
    {
        var file = Path.Combine(_data.FullName, "not-a-directory");
        await File.WriteAllTextAsync(file, "");

        var (exitCode, output) = await StartAsync(("Aspire__Store__Path", file));

        Assert.Equal(1, exitCode);
        Assert.Contains(output, line => line.Contains(file, StringComparison.Ordinal));
    }

    async Task<(int ExitCode, List<string> Output)> StartAsync(params (string Name, string Value)[] environment)
    {
        var start = new ProcessStartInfo(Path.Combine(AppContext.BaseDirectory, "AppHost"))
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = Repository.Root,
            Environment = { ["DOTNET_ENVIRONMENT"] = "Development", ["DcpPublisher__RandomizePorts"] = "true", ["Aspire__Containers"] = "false", ["Aspire__Store__Path"] = _data.FullName, ["Parameters__admin_api_key"] = "aj_key-of-the-start-test" },
        };
        foreach (var (name, value) in environment)
            start.Environment[name] = value;
        using var host = Process.Start(start)!;
        // One that starts after all runs until it is ended.
        using var patience = new CancellationTokenSource(Patience);
        await using var _ = patience.Token.Register(host.Kill);
        var error = host.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        var output = await host.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        await host.WaitForExitAsync(TestContext.Current.CancellationToken);
        return (host.ExitCode, [.. (output + await error).Split('\n')]);
    }

    public void Dispose() => _data.Delete(recursive: true);
}

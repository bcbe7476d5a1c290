using System.Diagnostics;
using AspireJobs.Tests.Infrastructure;

namespace AspireJobs.Tests.EndToEnd;

/// <summary>The AppHost's manifest, as a deployment tool asks for it.</summary>
public sealed class AppHostManifestTests : IDisposable
{
    // As deep in the tree as the AppHost, because paths in a manifest are relative to it.
    readonly string _path = Repository.Path($"obj/manifest-{Guid.NewGuid():N}.json");

    public AppHostManifestTests() => Directory.CreateDirectory(Path.GetDirectoryName(_path)!);

    [Fact]
    public async Task It_is_the_committed_one_and_takes_no_program_to_write()
    {
        var (exitCode, output) = await RunAsync("--publisher", "manifest", "--output-path", _path);

        Assert.True(exitCode == 0, output);
        var expected = await File.ReadAllTextAsync(Repository.Path("AppHost/aspire-manifest.json"));
        Assert.Equal(expected, await File.ReadAllTextAsync(_path));
    }

    [Fact]
    public async Task Without_a_path_it_says_which_option_is_missing()
    {
        var (exitCode, output) = await RunAsync("--publisher", "manifest");

        Assert.NotEqual(0, exitCode);
        Assert.Contains("--output-path", output);
    }

    static async Task<(int ExitCode, string Output)> RunAsync(params string[] arguments)
    {
        var start = new ProcessStartInfo(Path.Combine(AppContext.BaseDirectory, "AppHost"), arguments)
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            // Nothing can be started: neither a server nor a project.
            Environment = { ["PATH"] = "/nowhere" },
        };
        using var host = Process.Start(start)!;
        var error = host.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        var output = await host.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        await host.WaitForExitAsync(TestContext.Current.CancellationToken);
        return (host.ExitCode, output + await error);
    }

    public void Dispose() => File.Delete(_path);
}

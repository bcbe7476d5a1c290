using System.ComponentModel;
using System.Diagnostics;

namespace AspireJobs.Tests.Dashboards;

/// <summary>Prometheus' own checker.</summary>
static class Promtool
{
    /// <summary>Fails the test with promtool's words unless it accepts what the arguments name.</summary>
    public static async Task AcceptsAsync(params string[] arguments)
    {
        using var promtool = Start(arguments);
        var output = await Task.WhenAll(promtool.StandardOutput.ReadToEndAsync(), promtool.StandardError.ReadToEndAsync());
        await promtool.WaitForExitAsync();
        Assert.True(promtool.ExitCode == 0, $"promtool {string.Join(' ', arguments)}\n{string.Concat(output)}");
    }

    static Process Start(string[] arguments)
    {
        try
        {
            return Process.Start(new ProcessStartInfo("promtool", arguments) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        }
        catch (Win32Exception)
        {
            Assert.Fail("promtool is missing: install Debian's package prometheus.");
            throw;
        }
    }
}

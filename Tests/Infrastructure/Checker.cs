using System.ComponentModel;
using System.Diagnostics;

namespace AspireJobs.Tests.Infrastructure;

/// <summary>A program that judges what we produce.</summary>
static class Checker
{
    /// <summary>Runs it on the arguments and the standard input and returns what it prints; fails the test with its words unless it ends with 0.</summary>
    public static async Task<string> AcceptsAsync(string program, string package, string[] arguments, string? input = null)
    {
        using var process = Start(program, package, arguments);
        var output = Task.WhenAll(process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        if (input is not null)
            await process.StandardInput.WriteAsync(input);
        process.StandardInput.Close();
        var texts = await output;
        await process.WaitForExitAsync();
        Assert.True(process.ExitCode == 0, $"{program} {string.Join(' ', arguments)}\n{string.Concat(texts)}");
        return texts[0];
    }

    static Process Start(string program, string package, string[] arguments)
    {
        try
        {
            return Process.Start(new ProcessStartInfo(program, arguments)
            {
                RedirectStandardInput = true,
                RedirectStandardOutput = true,
                RedirectStandardError = true,
            })!;
        }
        catch (Win32Exception)
        {
            Assert.Fail($"{program} is missing: install Debian's package {package}.");
            throw;
        }
    }
}

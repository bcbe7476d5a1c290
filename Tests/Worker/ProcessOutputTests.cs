using System.Diagnostics;
using AspireJobs.Worker.Ansible;

namespace AspireJobs.Tests.Worker;

public sealed class ProcessOutputTests
{
    [Fact]
    public async Task All_that_a_process_printed_is_read_and_the_end_comes_although_one_that_it_left_behind_keeps_the_pipe_open()
    {
        using var process = Process.Start(new ProcessStartInfo("sh", ["-c", "sleep 600 & echo $!; head -c 50000 /dev/zero | tr '\\0' x"]) { RedirectStandardOutput = true })!;
        await using var output = new ProcessOutput(process.StandardOutput.BaseStream, process.WaitForExitAsync(TestContext.Current.CancellationToken));

        var text = await new StreamReader(output).ReadToEndAsync(TestContext.Current.CancellationToken);

        var lines = text.Split('\n');
        using var leftBehind = Process.GetProcessById(int.Parse(lines[0], System.Globalization.CultureInfo.InvariantCulture));
        leftBehind.Kill();
        Assert.Equal(new string('x', 50000), lines[1]);
    }

    [Fact]
    public async Task The_end_comes_also_where_one_that_a_process_left_behind_talks_on()
    {
        using var process = Process.Start(new ProcessStartInfo("sh", ["-c", "yes 2>/dev/null & echo $! >&2"]) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        var output = new ProcessOutput(process.StandardOutput.BaseStream, process.WaitForExitAsync(TestContext.Current.CancellationToken));

        using var leftBehind = Process.GetProcessById(int.Parse(await process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken), System.Globalization.CultureInfo.InvariantCulture));

        await output.CopyToAsync(Stream.Null, TestContext.Current.CancellationToken);
        await output.DisposeAsync();

        // Nobody reads any more, so it ends.
        await leftBehind.WaitForExitAsync(TestContext.Current.CancellationToken);
    }
}

using AspireJobs.Worker.Ansible;

namespace AspireJobs.Tests.Worker;

public sealed class SupervisedProcessTests
{
    [Fact]
    public async Task A_command_that_is_stopped_as_it_starts_ends_by_the_first_signal()
    {
        for (var n = 0; n < 20; n++)
        {
            using var process = SupervisedProcess.Start("/usr/bin/python3", ["/bin/sleep", "60"], "/", []);
            process.Stop();

            using var events = new StreamReader(process.Events);
            var end = await events.ReadToEndAsync(TestContext.Current.CancellationToken);

            // SIGINT, not the SIGTERM that follows seconds later.
            Assert.Contains("\"signal\": 2,", end);
        }
    }
}

using AspireJobs.Jobs.Instances;
using AspireJobs.Tests.Infrastructure;

namespace AspireJobs.Tests.Jobs;

/// <summary>Which processes live, by their own word.</summary>
public sealed class InstanceTests(Stores stores) : JobDatabase(stores)
{
    [Fact]
    public async Task Processes_that_nobody_could_hear_because_the_store_was_away_are_all_still_known()
    {
        var instances = new InstanceStore(Db);
        foreach (var service in new[] { "api", "worker" })
            await instances.BeatAsync(new Instance(service, $"{service}:80"), Stop);
        await ExecuteAsync("update instances set heartbeat_at = now() - interval '1 hour'");

        Assert.Equal(["api:80", "worker:80"], (await instances.KnownAsync(Stop)).Select(instance => instance.Address));

        await instances.BeatAsync(new Instance("api", "api:80"), Stop);
        Assert.Equal(["api:80"], (await instances.KnownAsync(Stop)).Select(instance => instance.Address));
    }
}

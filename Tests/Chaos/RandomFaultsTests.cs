using System.Diagnostics;
using System.Globalization;
using AspireJobs.Tests.Infrastructure;

namespace AspireJobs.Tests.Chaos;

/// <summary>Faults at random moments, over a stream of jobs.</summary>
public sealed class RandomFaultsTests
{
    const int Workers = 3;
    const int Backlog = 8;
    const int ProgressEvery = 25;

    [Fact]
    public async Task Nothing_is_lost_or_run_twice_over_random_kills()
    {
        await using var stores = await OwnStores.StartAsync();
        await using var fleet = new Fleet(stores.Postgres, stores.Redis);
        await fleet.StartApiAsync();
        var random = new Random(Form.Seed);
        var began = Stopwatch.GetTimestamp();
        var chaos = new Chaos(stores, fleet, random, [.. Enumerable.Range(0, Workers).Select(_ => fleet.StartWorker())]);
        using var enough = new CancellationTokenSource();
        var stream = SubmitAsync(fleet, new Random(Form.Seed), enough.Token);

        for (var kill = 1; kill <= Form.Kills; kill++)
        {
            await Form.PauseAsync(TimeSpan.FromSeconds(0.3 + 2 * random.NextDouble()));
            await chaos.StrikeAsync();
            if (kill % ProgressEvery == 0)
                Form.Say($"{kill} faults ({chaos}), {fleet.Accepted} jobs accepted, {Stopwatch.GetElapsedTime(began).TotalSeconds:0} s");
            if (stream.IsFaulted)
                break;
        }

        await enough.CancelAsync();
        await stream;
        await chaos.EndAsync();
        var verdict = await fleet.JudgeAsync();
        Form.Say(string.Create(CultureInfo.InvariantCulture, $"seed {Form.Seed}: {Form.Kills} faults ({chaos}) in {Stopwatch.GetElapsedTime(began).TotalSeconds:0} s"));
        verdict.HasNoFault();
    }

    // As many as the workers can take, so that there is always one to be hit; one in five may be tried again.
    static async Task SubmitAsync(Fleet fleet, Random random, CancellationToken enough)
    {
        while (!enough.IsCancellationRequested)
        {
            var retried = random.Next(5) == 0;
            await fleet.SubmitAsync("    - name: Linger\n      command: sleep 0.3\n", retried ? [("on_worker_lost", "retry"), ("retry_backoff_seconds", 1)] : []);
            await fleet.UntilAsync($"select 1 where (select count(*) from jobs where status = 'queued') < {Backlog}");
        }
    }

    /// <summary>One fault after the other.</summary>
    sealed class Chaos(OwnStores stores, Fleet fleet, Random random, List<ServiceProcess> workers)
    {
        readonly Dictionary<string, int> _counts = [];
        readonly List<Task> _frozen = [];

        public override string ToString() => string.Join(", ", _counts.OrderByDescending(count => count.Value).Select(count => $"{count.Key} {count.Value}"));

        public Task StrikeAsync()
        {
            (string Name, Func<Task> Strike) fault = random.Next(100) switch
            {
                < 78 => ("worker killed", KillWorkerAsync),
                < 85 => ("API killed", KillApiAsync),
                < 90 => ("Redis flushed", () => stores.RedisAsync("FLUSHALL")),
                < 95 => ("worker frozen", FreezeWorkerAsync),
                < 98 => ("Redis killed", KillRedisAsync),
                _ => ("Postgres restarted", RestartPostgresAsync),
            };
            _counts[fault.Name] = _counts.GetValueOrDefault(fault.Name) + 1;
            return fault.Strike();
        }

        /// <summary>Waits until nothing is frozen any more.</summary>
        public Task EndAsync() => Task.WhenAll(_frozen);

        async Task KillWorkerAsync()
        {
            var index = random.Next(workers.Count);
            // Most at work, some while they start.
            if (random.Next(5) > 0)
            {
                await workers[index].LineAsync(line => line.Contains("\"event\":\"job_started\"", StringComparison.Ordinal));
                await Form.PauseAsync(TimeSpan.FromSeconds(random.NextDouble()));
            }
            await fleet.KillAsync(workers[index]);
            workers[index] = fleet.StartWorker();
        }

        async Task KillApiAsync()
        {
            await fleet.KillApiAsync();
            await fleet.StartApiAsync();
        }

        // Another one takes its place; it wakes, before or after the end of its leases, and is killed a little later.
        Task FreezeWorkerAsync()
        {
            var index = random.Next(workers.Count);
            _frozen.Add(WakeAsync(workers[index], TimeSpan.FromSeconds(random.Next(2) == 0 ? 2 + 6 * random.NextDouble() : 22 + 6 * random.NextDouble())));
            workers[index] = fleet.StartWorker();
            return Task.CompletedTask;
        }

        async Task WakeAsync(ServiceProcess worker, TimeSpan after)
        {
            fleet.Freeze(worker);
            await Form.PauseAsync(after);
            worker.Signal("CONT");
            await Form.PauseAsync(TimeSpan.FromSeconds(3));
            await fleet.KillAsync(worker);
        }

        async Task KillRedisAsync()
        {
            await stores.KillRedisAsync();
            await Form.PauseAsync(TimeSpan.FromSeconds(2 * random.NextDouble()));
            await stores.StartAsync("redis");
        }

        Task RestartPostgresAsync() => fleet.WithoutDatabaseAsync(async () =>
        {
            await stores.StopAsync("postgres");
            await stores.StartAsync("postgres");
        });
    }
}

using AspireJobs.Jobs;
using AspireJobs.Tests.Infrastructure;
using Npgsql;

namespace AspireJobs.Tests.Jobs;

public sealed class HeldConnectionTests(Stores stores) : JobDatabase(stores)
{
    readonly Clock _clock = new();

    [Fact]
    public async Task Calls_that_follow_each_other_have_one_session_whatever_the_pool_does()
    {
        await using var held = new HeldConnection(Db, _clock);
        var first = await SessionAsync(held);
        await using (await Db.OpenConnectionAsync(Stop))
            Assert.Equal(first, await SessionAsync(held));

        Assert.Equal(first, await SessionAsync(held));
    }

    [Fact]
    public async Task Calls_that_overlap_have_sessions_of_their_own()
    {
        await using var held = new HeldConnection(Db, _clock);

        var (outer, inner) = await held.UseAsync(async connection => (connection.ProcessID, await SessionAsync(held)), Stop);

        Assert.NotEqual(outer, inner);
    }

    [Fact]
    public async Task After_a_pause_the_connection_comes_from_the_pool()
    {
        await using var held = new HeldConnection(Db, _clock);
        await using (await Db.OpenConnectionAsync(Stop))
            await SessionAsync(held);
        var idle = await Db.Command("select pg_backend_pid()").QueryAsync(row => row.GetInt32(0), Stop);

        _clock.Seconds += 2;

        Assert.Equal(idle.Single(), await SessionAsync(held));
    }

    [Fact]
    public async Task A_session_that_was_lost_fails_one_call_and_not_the_next()
    {
        await using var held = new HeldConnection(Db, _clock);
        var lost = await SessionAsync(held);
        await ExecuteAsync($"select pg_terminate_backend({lost}, 5000)");

        await Assert.ThrowsAnyAsync<NpgsqlException>(() => SessionAsync(held));

        Assert.NotEqual(lost, await SessionAsync(held));
    }

    static async Task<int> SessionAsync(HeldConnection held) =>
        (await held.UseAsync(connection => connection.Command("select pg_backend_pid()").QueryAsync(row => row.GetInt32(0), Stop))).Single();

    sealed class Clock : TimeProvider
    {
        public int Seconds { get; set; }

        public override long TimestampFrequency => 1;

        public override long GetTimestamp() => Seconds;
    }
}

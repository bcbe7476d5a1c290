using System.Globalization;
using AspireJobs.Jobs;
using AspireJobs.Tests.Infrastructure;

namespace AspireJobs.Tests.Jobs;

/// <summary>What <see cref="JobsDatabase"/> asks of the sessions in Postgres.</summary>
public sealed class SessionTests(Stores stores) : JobDatabase(stores)
{
    const int Statements = 50;

    // Takes half a megabyte in small pieces, all of which it gives back when it ends.
    static readonly string Statement = $"select count(*) from rows from ({string.Join(", ", Enumerable.Repeat("generate_series(1, 1000)", 12))}) as rows";

    [Fact]
    public async Task A_session_does_not_fetch_the_memory_for_each_statement_from_the_kernel()
    {
        await using var db = Configured();
        // In the first one Npgsql reads the types, which takes and frees a large piece.
        await using var first = await db.OpenConnectionAsync(Stop);
        await using var connection = await db.OpenConnectionAsync(Stop);
        await RunAsync();

        var before = PageFaults(connection.ProcessID);
        await RunAsync();

        Assert.InRange(PageFaults(connection.ProcessID) - before, 0, 10 * Statements);

        async Task RunAsync()
        {
            for (var i = 0; i < Statements; i++)
                Assert.Equal(1000, await connection.Command(Statement).CountAsync(Stop));
        }
    }

    [Fact]
    public async Task A_statement_whose_cost_looks_high_is_not_compiled_each_time()
    {
        await using var db = Configured();

        var plan = await db.Command("explain (analyze) select sum(n) from generate_series(1, 100000000) n limit 0").QueryAsync(row => row.GetString(0), Stop);

        Assert.DoesNotContain(plan, line => line.StartsWith("JIT:", StringComparison.Ordinal));
    }

    // Those for which nothing is read from a disk: the tenth field of proc(5)'s stat.
    static long PageFaults(int process) =>
        long.Parse(File.ReadAllText($"/proc/{process}/stat").Split(") ")[1].Split(' ')[7], CultureInfo.InvariantCulture);
}

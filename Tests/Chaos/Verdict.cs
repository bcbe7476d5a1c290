using System.Globalization;

namespace AspireJobs.Tests.Chaos;

/// <summary>What was left after the faults.</summary>
/// <param name="Jobs">Number of jobs.</param>
/// <param name="Lost">Accepted jobs without an end.</param>
/// <param name="RunTwice">Jobs whose playbook ran more often than they allow.</param>
/// <param name="Unmarked">Jobs that are told to be successful and whose playbook did not run.</param>
/// <param name="Gaps">Events and logs with a number missing.</param>
/// <param name="Orphans">Processes that outlived every worker.</param>
/// <param name="SlowestSettlement">Longest time from a worker's death to the end of a job that it had.</param>
/// <param name="Outcomes">How many jobs ended how.</param>
sealed record Verdict(
    int Jobs, IReadOnlyList<string> Lost, IReadOnlyList<string> RunTwice, IReadOnlyList<string> Unmarked, IReadOnlyList<string> Gaps,
    IReadOnlyList<string> Orphans, TimeSpan SlowestSettlement, IReadOnlyDictionary<string, int> Outcomes)
{
    static readonly TimeSpan LongestSettlement = TimeSpan.FromSeconds(30);

    public override string ToString() => string.Create(CultureInfo.InvariantCulture,
        $"jobs {Jobs} ({string.Join(", ", Outcomes.Select(outcome => $"{outcome.Value} {outcome.Key}"))}), lost {Lost.Count}, run twice {RunTwice.Count}, not run {Unmarked.Count}, gaps {Gaps.Count}, orphans {Orphans.Count}, slowest settlement {SlowestSettlement.TotalSeconds:0.0} s");

    public void HasNoFault()
    {
        Form.Say(ToString());
        Assert.Empty(Lost);
        Assert.Empty(RunTwice);
        Assert.Empty(Unmarked);
        Assert.Empty(Gaps);
        Assert.Empty(Orphans);
        Assert.True(SlowestSettlement < LongestSettlement, $"A dead worker's job was settled after {SlowestSettlement}.");
    }
}

using System.Diagnostics;
using System.Globalization;
using System.Reflection;
using System.Runtime.InteropServices;

namespace AspireJobs.Benchmarks;

/// <summary>This machine, and the processes on it that are ours, as /proc shows them.</summary>
static class Machine
{
    // The kernel counts in these for every program, whatever its own clock.
    const double TicksPerSecond = 100;
    const double MiB = 1 << 20;

    static readonly Assembly Self = typeof(Machine).Assembly;

    /// <summary>What holds for every figure of a run.</summary>
    public static IEnumerable<(string Name, object Value)> Conditions =>
    [
        ("at", TimeProvider.System.GetUtcNow().ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture)),
        ("cores", Environment.ProcessorCount),
        ("cpu", CpuModel()),
        ("runtime", RuntimeInformation.FrameworkDescription),
        ("version", Self.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? ""),
        ("configuration", Self.GetCustomAttribute<AssemblyConfigurationAttribute>()?.Configuration ?? ""),
    ];

    /// <summary>Resident memory in MiB of each of our processes of this name.</summary>
    /// <exception cref="InvalidOperationException">There is none.</exception>
    public static IReadOnlyList<double> ResidentMiB(string processName)
    {
        var ours = Ours().Select(process => process.Id).ToHashSet();
        var sizes = new List<double>();
        foreach (var process in Process.GetProcessesByName(processName))
            using (process)
                if (ours.Contains(process.Id))
                    sizes.Add(process.WorkingSet64 / MiB);
        return sizes.Count > 0 ? sizes : throw new InvalidOperationException($"no process '{processName}' was started by this one");
    }

    /// <summary>What the processor clocks stand at.</summary>
    public static CpuTime Cpu()
    {
        var ours = Ours().GroupBy(process => process.Name).ToDictionary(same => same.Key, same => same.Sum(process => process.CpuSeconds));
        return new(Stopwatch.GetTimestamp(), BusySeconds(), ours);
    }

    // user nice system idle iowait irq softirq steal
    static double BusySeconds()
    {
        var ticks = File.ReadLines("/proc/stat").First().Split(' ', StringSplitOptions.RemoveEmptyEntries).Skip(1).Take(8).Select(Number).ToArray();
        return (ticks.Sum() - ticks[3] - ticks[4]) / TicksPerSecond;
    }

    /// <summary>This process and all below it.</summary>
    static List<ProcessEntry> Ours()
    {
        var all = All().ToList();
        var children = all.ToLookup(process => process.Parent);
        var ours = all.Where(process => process.Id == Environment.ProcessId).ToList();
        for (var i = 0; i < ours.Count; i++)
            ours.AddRange(children[ours[i].Id]);
        return ours;
    }

    static IEnumerable<ProcessEntry> All()
    {
        foreach (var directory in Directory.EnumerateDirectories("/proc"))
            if (int.TryParse(Path.GetFileName(directory), out var id) && Read(id) is { } process)
                yield return process;
    }

    static ProcessEntry? Read(int id)
    {
        try
        {
            var text = File.ReadAllText($"/proc/{id}/stat");
            var (nameStart, nameEnd) = (text.IndexOf('(') + 1, text.LastIndexOf(')'));
            // state, parent, …, and as 12th to 15th the time of the process and of its ended children
            var fields = text[(nameEnd + 2)..].Split(' ');
            return new(id, text[nameStart..nameEnd], int.Parse(fields[1], CultureInfo.InvariantCulture), fields[11..15].Sum(Number) / TicksPerSecond);
        }
        catch (IOException)
        {
            // It has ended meanwhile.
            return null;
        }
    }

    static string CpuModel() =>
        File.ReadLines("/proc/cpuinfo").FirstOrDefault(line => line.StartsWith("model name", StringComparison.Ordinal))?.Split(':')[1].Trim() ?? RuntimeInformation.ProcessArchitecture.ToString();

    static double Number(string text) => double.Parse(text, CultureInfo.InvariantCulture);

    sealed record ProcessEntry(int Id, string Name, int Parent, double CpuSeconds);
}

/// <summary>A reading of the processor clocks, in seconds: of the whole machine, and of our processes by name.</summary>
readonly record struct CpuTime(long At, double Busy, IReadOnlyDictionary<string, double> Ours)
{
    /// <summary>Cores that others took since an earlier reading.</summary>
    public double ForeignCoresSince(CpuTime start)
    {
        // The clocks are coarse, so that the difference can come out below zero.
        var seconds = Math.Max(0, Busy - start.Busy - (Ours.Values.Sum() - start.Ours.Values.Sum()));
        return Figure.Round(seconds / Stopwatch.GetElapsedTime(start.At, At).TotalSeconds);
    }

    /// <summary>Processor seconds that our processes of this name took since an earlier reading.</summary>
    public double SecondsSince(CpuTime start, string processName) => Ours.GetValueOrDefault(processName) - start.Ours.GetValueOrDefault(processName);
}

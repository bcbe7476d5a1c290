using System.Diagnostics.Metrics;
using System.Reflection;
using Microsoft.Extensions.Logging;

namespace AspireJobs.ServiceDefaults;

/// <summary>Metrics that every service has: what was built, its threads, its own log, and what telemetry gets lost on its way.</summary>
static class LogTelemetry
{
    static readonly Meter Meter = new("AspireJobs.ServiceDefaults");
    static readonly KeyValuePair<string, object?>[] Levels = [.. Enum.GetValues<LogLevel>().Select(level => new KeyValuePair<string, object?>("level", LogKeys.LevelName(level)))];

    static readonly Counter<long> Lines = Meter.CreateCounter<long>("ansible_api_log_lines_total", null, "Log lines, by level.");
    static readonly Counter<long> DroppedLines = Meter.CreateCounter<long>(
        "ansible_api_dropped_log_lines_total", null, "Log lines lost because standard output was not read fast enough, or could not be written to.");

    static readonly Counter<long> ExportErrors = Meter.CreateCounter<long>(
        "ansible_api_telemetry_export_errors_total", null, "Failed attempts to export a batch of spans, metrics or log records.");

    static LogTelemetry()
    {
        // The runtime has the two as counters, which go up only: see Extensions.DropParts.
        Meter.CreateObservableUpDownCounter("ansible_api_thread_pool_threads", () => ThreadPool.ThreadCount, null, "Threads of the thread pool.");
        Meter.CreateObservableUpDownCounter("ansible_api_thread_pool_queue_length", () => ThreadPool.PendingWorkItemCount, null, "Work that waits for a thread of the pool.");
        var (version, revision) = Build();
        Meter.CreateObservableGauge("ansible_api_build_info", () => new Measurement<long>(1, new("version", version), new("revision", revision)), null, "What was built: always 1.");
    }

    public static void Written(LogLevel level) => Lines.Add(1, Levels[(int)level]);

    public static void Dropped(int lines) => DroppedLines.Add(lines);

    public static void ExportFailed() => ExportErrors.Add(1);

    /// <summary>Puts the counters on the page before the first line, so that the first error is an increase.</summary>
    public static void StartAtZero()
    {
        for (var level = LogLevel.Information; level <= LogLevel.Critical; level++)
            Lines.Add(0, Levels[(int)level]);
        DroppedLines.Add(0);
        ExportErrors.Add(0);
    }

    // The SDK writes the commit behind a plus sign.
    static (string Version, string Revision) Build() =>
        (Assembly.GetEntryAssembly()?.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "").Split('+') switch
        {
            [var version, var revision, ..] => (version, revision),
            [var version] => (version, ""),
            _ => ("", ""),
        };
}

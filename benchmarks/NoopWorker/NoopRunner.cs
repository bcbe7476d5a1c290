using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using AspireJobs.Jobs;
using AspireJobs.Worker.Ansible;

namespace AspireJobs.NoopWorker;

/// <summary>
/// Succeeds at once, with the recap that a playbook of one task leaves. Where the setting <c>Notices:Port</c> names a UDP port of this machine, it
/// first tells it of the start: the job's label <c>n</c> and the timestamp (<see cref="Stopwatch"/>).
/// </summary>
sealed class NoopRunner(IConfiguration configuration) : IPlaybookRunner
{
    static readonly JobResult Done = new(JobOutcome.Success)
    {
        ExitCode = 0,
        Hosts = new Dictionary<string, HostSummary> { ["localhost"] = new(Ok: 1, Changed: 0, Unreachable: 0, Failed: 0, Skipped: 0, Rescued: 0, Ignored: 0) },
    };

    readonly Socket? _notices = configuration["Notices:Port"] is { } port ? Connect(int.Parse(port, CultureInfo.InvariantCulture)) : null;

    public Task<JobResult> RunAsync(PlaybookRun run, CancellationToken stop)
    {
        var startedAt = Stopwatch.GetTimestamp();
        _notices?.Send(Encoding.UTF8.GetBytes($"{run.Request.Labels!["n"]} {startedAt}"));
        return Task.FromResult(Done);
    }

    static Socket Connect(int port)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        socket.Connect(IPAddress.Loopback, port);
        return socket;
    }
}

using System.Diagnostics;
using Microsoft.Extensions.Options;

namespace AspireJobs.Worker.Ansible;

/// <summary>The version of ansible-core that runs the playbooks, asked for in the background until there is an answer: leases do not wait for it.</summary>
internal sealed class AnsibleVersion(IOptions<AnsibleOptions> options, TimeProvider time, ILogger<AnsibleVersion> logger) : BackgroundService
{
    static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    readonly TaskCompletionSource _asked = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Such as <c>2.14.18</c>; null while it is not known, empty where the Python that ansible-playbook runs on cannot tell.</summary>
    public string? Value { get; private set; }

    /// <summary>Ends when there is an answer, or the first question failed.</summary>
    public Task Asked => _asked.Task;

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var outage = new Outage("asking for the version of Ansible", time, logger);
        while (Value is null)
        {
            try
            {
                Value = await AskAsync(AnsibleProgram.Find(options.Value.Command).Python, stoppingToken);
                outage.Over();
            }
            // Such as that of a machine that is out of processes.
            catch (Exception e) when (!stoppingToken.IsCancellationRequested)
            {
                _asked.TrySetResult();
                await Task.Delay(outage.Failed(e), time, stoppingToken);
            }
        }
        _asked.TrySetResult();
    }

    // A tenth of the time of "ansible-playbook --version", which loads all of it.
    async Task<string> AskAsync(string python, CancellationToken stop)
    {
        using var patience = new CancellationTokenSource(Patience, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(patience.Token, stop);
        var start = new ProcessStartInfo(python, ["-c", "import ansible.release; print(ansible.release.__version__)"]) { RedirectStandardOutput = true, RedirectStandardError = true };
        using var process = Process.Start(start)!;
        try
        {
            var (version, _) = (process.StandardOutput.ReadToEndAsync(either.Token), process.StandardError.ReadToEndAsync(either.Token));
            await process.WaitForExitAsync(either.Token);
            return (await version).Trim();
        }
        catch (OperationCanceledException)
        {
            process.Kill();
            throw;
        }
    }
}

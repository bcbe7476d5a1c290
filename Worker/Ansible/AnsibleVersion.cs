using System.Diagnostics;
using Microsoft.Extensions.Options;

namespace AspireJobs.Worker.Ansible;

/// <summary>The version of ansible-core that runs the playbooks, asked for until it is known.</summary>
internal sealed class AnsibleVersion(IOptions<AnsibleOptions> options)
{
    // A failure, such as of a machine that is out of processes, is not kept: heartbeats and jobs ask again.
    readonly Lazy<string> _value = new(() => Ask(AnsibleProgram.Find(options.Value.Command).Python), LazyThreadSafetyMode.PublicationOnly);

    /// <summary>Such as <c>2.14.18</c>; empty where the Python that ansible-playbook runs on cannot tell.</summary>
    public string Value => _value.Value;

    // A tenth of the time of "ansible-playbook --version", which loads all of it.
    static string Ask(string python)
    {
        var start = new ProcessStartInfo(python, ["-c", "import ansible.release; print(ansible.release.__version__)"]) { RedirectStandardOutput = true, RedirectStandardError = true };
        using var process = Process.Start(start)!;
        var version = process.StandardOutput.ReadToEnd().Trim();
        process.WaitForExit();
        return version;
    }
}

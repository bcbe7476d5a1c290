namespace AspireJobs.Worker.Ansible;

/// <summary>Settings of how playbooks are run.</summary>
internal sealed class AnsibleOptions
{
    /// <summary>The configuration section.</summary>
    public const string Section = "Ansible";

    /// <summary>The program that runs playbooks: a path, or a name that is looked for on <c>PATH</c>.</summary>
    public string Command { get; set; } = "ansible-playbook";
}

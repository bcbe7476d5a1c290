namespace AspireJobs.Tests.Infrastructure;

/// <summary>A playbook that runs until the test lets it end.</summary>
sealed class Gate : IDisposable
{
    readonly string _file = Path.Combine(Path.GetTempPath(), $"gate-{Guid.NewGuid():N}");

    /// <summary>The source of a job that waits; its log then has <c>TASK [Hold]</c>.</summary>
    public object Source => new
    {
        type = "inline",
        content = $"- hosts: localhost\n  gather_facts: false\n  tasks:\n    - name: Hold\n      wait_for: {{path: {_file}, timeout: 300}}\n",
    };

    /// <summary>Lets every job of this gate go on.</summary>
    public void Open() => File.WriteAllText(_file, "");

    public void Dispose() => File.Delete(_file);
}

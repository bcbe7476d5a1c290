using AspireJobs.Jobs;
using AspireJobs.Tests.Infrastructure;

namespace AspireJobs.Tests.Worker;

/// <summary>What <c>~</c> is for a playbook that works on the worker itself.</summary>
public sealed class HomeTests(Stores stores)
{
    [Theory]
    [InlineData("local")]
    [InlineData("ansible.builtin.local")]
    public async Task An_asynchronous_task_on_the_worker_itself_is_found_again(string connection)
    {
        var (job, log) = await RunAsync(
            """
            - hosts: all
              gather_facts: false
              tasks:
                - {command: echo named, async: 60, poll: 1}
                - {command: echo implicit, async: 60, poll: 1, delegate_to: localhost}
                - {command: echo same, async: 60, poll: 1, become: true, become_user: "{{ lookup('pipe', 'id -un') }}"}
            """, $"own ansible_connection={connection}\n");

        Assert.True(job.Outcome == JobOutcome.Success, log);
    }

    [Fact]
    public async Task A_file_copied_to_the_home_directory_is_where_commands_look_for_it_and_not_in_the_workers_own()
    {
        var (job, log) = await RunAsync(
            """
            - hosts: all
              gather_facts: false
              tasks:
                - copy: {content: kept, dest: "~/{{ name }}"}
                - shell: cat ~/{{ name }}
                - shell: test ! -e "$(eval echo "~$(id -un)")/{{ name }}"
            """, $"own ansible_connection=local name=aspirejobs-test-{Guid.NewGuid():N}\n");

        Assert.True(job.Outcome == JobOutcome.Success, log);
    }

    [Fact]
    public async Task A_local_host_keeps_the_python_that_its_inventory_names()
    {
        var python = Path.GetTempFileName();
        await File.WriteAllTextAsync(python, "#!/bin/sh\nNAMED=yes exec python3 \"$@\"\n", TestContext.Current.CancellationToken);
        File.SetUnixFileMode(python, UnixFileMode.UserRead | UnixFileMode.UserExecute);

        var (job, log) = await RunAsync(
            "- hosts: all\n  gather_facts: false\n  tasks:\n    - command: printenv NAMED\n", $"own ansible_connection=local ansible_python_interpreter={python}\n");

        Assert.True(job.Outcome == JobOutcome.Success, log);
        File.Delete(python);
    }

    async Task<(Job Job, string Log)> RunAsync(string playbook, string inventory)
    {
        var system = await stores.SharedAsync();
        return await system.WaitAsync(await system.SubmitAsync(new { source = new { type = "inline", content = playbook }, inventory = new { content = inventory } }));
    }
}

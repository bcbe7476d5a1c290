using AspireJobs.Jobs;
using AspireJobs.Tests.Infrastructure;

namespace AspireJobs.Tests.Worker;

/// <summary>How real playbooks end. The exit code alone would be wrong in most of these cases.</summary>
public sealed class OutcomeTests(Stores stores)
{
    const string Local = "- hosts: localhost\n  gather_facts: false\n  tasks:\n";

    [Fact]
    public async Task A_playbook_that_does_its_work_is_a_success_with_a_recap_per_host()
    {
        var (job, log) = await RunAsync(Local + """
                - name: Say something
                  debug: {msg: "all is well"}
                - name: Change something
                  command: "true"
            """);

        Assert.Equal((JobStatus.Success, JobOutcome.Success, 0), (job.Status, job.Outcome, job.ExitCode));
        Assert.Equal(new HostSummary(Ok: 2, Changed: 1, Unreachable: 0, Failed: 0, Skipped: 0, Rescued: 0, Ignored: 0), job.Hosts!["localhost"]);
        Assert.Contains("all is well", log);
        Assert.Contains("PLAY RECAP", log);
        Assert.Null(job.Failure);
        Assert.True(job.DurationSeconds > 0);
    }

    [Fact]
    public async Task A_failed_task_names_task_host_and_message()
    {
        var (job, _) = await RunAsync(Local + """
                - name: Break
                  fail: {msg: "the disk is full"}
            """);

        AssertFailed(job, JobOutcome.TasksFailed, "the disk is full");
        Assert.Equal(("Break", "localhost", 2), (job.Failure!.Task, job.Failure.Host, job.ExitCode));
    }

    [Fact]
    public async Task The_failure_is_the_one_that_no_rescue_section_caught()
    {
        var (job, _) = await RunAsync(Local + """
                - block:
                    - block:
                        - {name: Caught first, fail: {msg: first}}
                      rescue:
                        - {name: Caught further out, fail: {msg: second}}
                  rescue:
                    - debug: {msg: go on}
                - block:
                    - {name: Break, fail: {msg: the real one}}
                  always:
                    - block:
                        - {name: Clean up, fail: {msg: caught last}}
                      rescue:
                        - debug: {msg: never mind}
            """);

        AssertFailed(job, JobOutcome.TasksFailed, "the real one");
        Assert.Equal(("Break", 1, 3), (job.Failure!.Task, job.Hosts!["localhost"].Failed, job.Hosts["localhost"].Rescued));
    }

    [Fact]
    public async Task A_message_of_several_lines_is_told()
    {
        var (job, _) = await RunAsync(Local + "    - assert: {that: false, fail_msg: [disk full, call ops]}\n");

        AssertFailed(job, JobOutcome.TasksFailed, """["disk full","call ops"]""");
    }

    [Fact]
    public async Task A_start_that_names_no_task_is_told()
    {
        var job = await RunRequestAsync(new { source = Inline(Local + "    - ping:\n"), start_at_task = "Nothing of that name" });

        AssertFailed(job, JobOutcome.NoHostsMatched, "start_at_task 'Nothing of that name'");
    }

    [Fact]
    public async Task Rescued_and_ignored_failures_are_no_failure()
    {
        var (job, _) = await RunAsync(Local + """
                - command: "false"
                  ignore_errors: true
                - block:
                    - command: "false"
                  rescue:
                    - debug: {msg: rescued}
            """);

        Assert.Equal(JobOutcome.Success, job.Outcome);
        Assert.Equal((1, 1), (job.Hosts!["localhost"].Ignored, job.Hosts["localhost"].Rescued));
    }

    [Fact]
    public async Task An_undefined_variable_is_a_failed_task()
    {
        var (job, _) = await RunAsync(Local + "    - debug: {msg: \"{{ nowhere_defined }}\"}\n");

        AssertFailed(job, JobOutcome.TasksFailed, "nowhere_defined");
    }

    [Fact]
    public async Task A_host_that_cannot_be_reached_is_told_from_a_failed_task()
    {
        var job = await RunRequestAsync(new
        {
            source = Inline("- hosts: all\n  gather_facts: false\n  tasks:\n    - ping:\n"),
            inventory = new { content = "lonely ansible_host=127.0.0.1 ansible_port=1 ansible_connection=ssh\n" },
        });

        AssertFailed(job, JobOutcome.HostsUnreachable, "lonely");
        Assert.Equal(1, job.Hosts!["lonely"].Unreachable);
    }

    [Fact]
    public async Task A_pattern_that_matches_no_host_is_no_success_though_ansible_exits_with_0()
    {
        var (job, _) = await RunAsync("- hosts: nobody\n  tasks:\n    - ping:\n");

        AssertFailed(job, JobOutcome.NoHostsMatched, "no host");
        Assert.Equal(0, job.ExitCode);
    }

    [Theory]
    [InlineData("elsewhere")]
    [InlineData("all[5]")]
    public async Task A_limit_that_matches_no_host_is_told_so(string limit)
    {
        var job = await RunRequestAsync(new { source = Inline(Local + "    - ping:\n"), limit });

        AssertFailed(job, JobOutcome.NoHostsMatched, $"limit '{limit}'");
    }

    [Fact]
    public async Task A_play_for_a_host_beyond_the_last_is_invalid_as_plays_before_it_may_have_run()
    {
        var job = await RunRequestAsync(new { source = Inline(Local + "    - ping:\n- hosts: all[5]\n"), limit = "localhost" });

        AssertFailed(job, JobOutcome.PlaybookInvalid, "'all[5]'");
    }

    [Theory]
    [InlineData("- hosts: localhost\n  tasks: [\n")]
    [InlineData("- hosts: localhost\n  tasks:\n    - no_such_module_anywhere: {}\n")]
    [InlineData("just text")]
    public async Task A_playbook_that_cannot_be_read_is_invalid(string playbook)
    {
        var (job, _) = await RunAsync(playbook);

        AssertFailed(job, JobOutcome.PlaybookInvalid, "");
        Assert.Null(job.Hosts);
    }

    [Fact]
    public async Task A_playbook_that_the_source_lacks_is_invalid()
    {
        var job = await RunRequestAsync(new { source = new { type = "local" }, playbook = "nowhere.yml" });

        AssertFailed(job, JobOutcome.PlaybookInvalid, "nowhere.yml");
    }

    [Fact]
    public async Task An_inventory_that_the_source_lacks_is_invalid()
    {
        var job = await RunRequestAsync(new { source = new { type = "local" }, playbook = "hello.yml", inventory = new { path = "nowhere.ini" } });

        AssertFailed(job, JobOutcome.InventoryInvalid, "nowhere.ini");
    }

    [Fact]
    public async Task An_inventory_that_cannot_be_read_is_invalid()
    {
        var job = await RunRequestAsync(new { source = Inline(Local + "    - ping:\n"), inventory = new { content = "[unclosed\n: : :\n" } });

        AssertFailed(job, JobOutcome.InventoryInvalid, "");
    }

    [Fact]
    public async Task A_vault_without_its_password_is_told_so()
    {
        const string vaulted = """
                - debug:
                    msg: !vault |
                      $ANSIBLE_VAULT;1.1;AES256
                      33363965326261303234623062313864633564343630366438353766633261306166646631613034
                      6562636238323161363532346535336134623862303461610a633162353333613730653861653036
                      62396136613137303961366563653735353631396435643166663235326566383462396631333432
                      3730613633613230350a303338613066356238353539393135646338373964363035383661663333
                      3339
            """;

        var (job, _) = await RunAsync(Local + vaulted);

        AssertFailed(job, JobOutcome.VaultError, "vault");
    }

    async Task<(Job Job, string Log)> RunAsync(string playbook) => await (await stores.SharedAsync()).RunAsync(playbook);

    async Task<Job> RunRequestAsync(object request)
    {
        var system = await stores.SharedAsync();
        return (await system.WaitAsync(await system.SubmitAsync(request))).Job;
    }

    static object Inline(string content) => new { type = "inline", content };

    static void AssertFailed(Job job, JobOutcome outcome, string message)
    {
        Assert.Equal((JobStatus.Failed, outcome), (job.Status, job.Outcome));
        Assert.Equal(outcome.Word(), job.Failure!.ErrorType);
        Assert.Contains(message, job.Failure.Message, StringComparison.OrdinalIgnoreCase);
    }
}

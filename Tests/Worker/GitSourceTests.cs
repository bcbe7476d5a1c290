using System.Diagnostics;
using System.Net.Http.Json;
using System.Security.Cryptography;
using System.Text;
using AspireJobs.Jobs;
using AspireJobs.Tests.Infrastructure;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.FileProviders;
using Microsoft.Extensions.Logging;

namespace AspireJobs.Tests.Worker;

/// <summary>Playbooks from git repositories, served over HTTP.</summary>
public sealed class GitSourceTests(Stores stores) : IAsyncLifetime
{
    const string Token = "git-t0ken-of-the-test";

    readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("aspirejobs-test-");
    WebApplication _server = null!;
    string _head = "";

    string Url => _server.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Single();

    public async ValueTask InitializeAsync()
    {
        _head = Repository("work",
            ("plays/site.yml", "- hosts: all\n  gather_facts: false\n  tasks:\n    - debug: {msg: \"from {{ origin }}\"}\n"),
            ("hosts.ini", "alpha ansible_connection=local origin=main\n"));
        var work = Work("work");
        Git(work, "checkout", "--quiet", "-b", "release/2");
        Repository("work", ("hosts.ini", "alpha ansible_connection=local origin=release\n"));
        Git(work, "checkout", "--quiet", "main");
        await ServeAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await _server.DisposeAsync();
        _directory.Delete(recursive: true);
    }

    [Fact]
    public async Task A_repositorys_playbook_and_inventory_run_and_the_commit_is_told()
    {
        var (job, log) = await RunAsync("open/work.git");

        Assert.Equal(JobOutcome.Success, job.Outcome);
        Assert.Equal(_head, job.Revision);
        Assert.Equal($"git-tree:{Git(Path.Combine(_directory.FullName, "work"), "rev-parse", "main^{tree}")}", job.Provenance!.SourceDigest);
        Assert.Contains("from main", log);
    }

    [Fact]
    public async Task A_rerun_of_the_same_revision_runs_the_commit_that_ran_though_the_branch_has_moved()
    {
        var (job, _) = await RunAsync("open/work.git", "main");
        Repository("work", ("hosts.ini", "alpha ansible_connection=local origin=moved\n"));
        var system = await stores.SharedAsync();

        var (same, oldLog) = await system.RerunAsync(job.Id, new { same_revision = true });
        var (current, newLog) = await system.RerunAsync(job.Id);

        Assert.Equal((_head, _head, job.Provenance), (same.Request.Source!.Ref, same.Revision, same.Provenance));
        Assert.Contains("from main", oldLog);
        Assert.NotEqual(_head, current.Revision);
        Assert.Contains("from moved", newLog);
    }

    [Fact]
    public async Task A_branch_can_be_named()
    {
        var (job, log) = await RunAsync("open/work.git", "release/2");

        Assert.Equal(JobOutcome.Success, job.Outcome);
        Assert.Contains("from release", log);
    }

    [Fact]
    public async Task Submodules_come_with_theirs_at_the_commits_that_are_pinned()
    {
        var inner = Repository("inner", ("main.yml", "origin: pinned\n"));
        Submodule("role", "vars", "./../inner.git", inner);
        var role = Repository("role", ("tasks/main.yml", "- debug: {msg: \"in the role from {{ origin }}\"}\n"));
        Repository("inner", ("main.yml", "origin: moved\n"));

        Submodule("work", "plays/roles/shared one", "../role.git", role);
        var main = Repository("work", ("plays/site.yml", "- hosts: all\n  gather_facts: false\n  roles: [shared one]\n"));

        var (job, log) = await RunAsync("open/work.git", main);

        Assert.Equal((JobOutcome.Success, main), (job.Outcome, job.Revision));
        Assert.Contains("in the role from pinned", log);
    }

    [Fact]
    public async Task A_submodule_without_an_address_is_left_out_and_the_log_says_so()
    {
        Submodule("work", "roles/unwanted", "../role.git", _head, ("update", "none"));
        Git(Path.Combine(_directory.FullName, "work"), "update-index", "--add", "--cacheinfo", $"160000,{_head},roles/shared");
        Repository("work");

        var (job, log) = await RunAsync("open/work.git", "main");

        Assert.Equal(JobOutcome.Success, job.Outcome);
        Assert.StartsWith("[WARNING]: submodules left empty, as .gitmodules has no address for them or says so: roles/shared, roles/unwanted\n", log);
    }

    [Fact]
    public async Task A_broken_list_of_submodules_fails_the_job()
    {
        Submodule("work", "roles/shared", "../work.git", _head);
        Repository("work", (".gitmodules", "[submodule \"roles/shared\"]\n\tpath = roles/shared\n\turl = ../work.git\n<<<<<<< HEAD\n"));

        var (job, _) = await RunAsync("open/work.git", "main");

        Assert.Equal(JobOutcome.SourceFetchFailed, job.Outcome);
        Assert.Contains("bad config line 4 in file .gitmodules", job.Failure!.Message);
    }

    [Theory]
    [InlineData(1_500_000, 0)]
    [InlineData(700_000, 700_000)]
    public async Task A_source_that_is_larger_than_the_worker_takes_is_refused_its_submodules_counted(int own, int submodules)
    {
        await using var system = await JobSystem.StartAsync(stores, webhooks: false, settings: new() { ["Worker:MaxSourceBytes"] = "1048576" });
        Submodule("work", "roles/shared", "../role.git", Repository("role", ("data", Random(submodules))));
        Repository("work", ("data", Random(own)));

        var (job, _) = await RunAsync("open/work.git", "main", system: system);

        Assert.Equal(JobOutcome.SourceFetchFailed, job.Outcome);
        Assert.Contains("larger than", job.Failure!.Message);

        static string Random(int bytes) => Convert.ToBase64String(RandomNumberGenerator.GetBytes(bytes));
    }

    [Theory]
    [InlineData("../missing.git", "submodule roles/shared, http://")]
    [InlineData("file:///etc", "submodule roles/shared: its address in .gitmodules must be https://")]
    [InlineData("https://user:pass-w0rd@localhost/role.git", "submodule roles/shared: its address in .gitmodules must not contain a password")]
    public async Task A_submodule_that_cannot_be_fetched_fails_the_job_and_is_named(string address, string message)
    {
        Submodule("work", "roles/shared", address, _head);
        Repository("work");

        var (job, _) = await RunAsync("open/work.git", "main");

        Assert.Equal(JobOutcome.SourceFetchFailed, job.Outcome);
        Assert.Contains(message, job.Failure!.Message);
        Assert.DoesNotContain("pass-w0rd", job.Failure.Message);
    }

    [Fact]
    public async Task A_ref_that_does_not_exist_is_told()
    {
        var (job, _) = await RunAsync("open/work.git", "no-such-branch");

        Assert.Equal(JobOutcome.SourceFetchFailed, job.Outcome);
        Assert.Contains("no-such-branch", job.Failure!.Message);
    }

    [Fact]
    public async Task A_credential_opens_a_repository_and_shows_up_nowhere()
    {
        var system = await stores.SharedAsync();
        await system.Client.PostAsJsonAsync("/api/v1/credentials", new { name = "git-token", type = "password", values = new { username = "ci", password = Token } });

        var (refused, _) = await RunAsync("closed/work.git");
        Submodule("work", "roles/shared", "../work.git", _head);
        Repository("work");
        var (opened, log) = await RunAsync("closed/work.git", "main", credential: "git-token");

        Assert.Equal(JobOutcome.SourceFetchFailed, refused.Outcome);
        Assert.Equal(JobOutcome.Success, opened.Outcome);
        Assert.DoesNotContain(Token, log);
    }

    /// <summary>Commits files and what is staged to a repository, which is made if it is not there, and serves it. Returns the commit.</summary>
    string Repository(string name, params (string Path, string Text)[] files)
    {
        var work = Work(name);
        foreach (var (path, text) in files)
        {
            Directory.CreateDirectory(Path.GetDirectoryName(Path.Combine(work, path))!);
            File.WriteAllText(Path.Combine(work, path), text);
            Git(work, "add", path);
        }
        Git(work, "commit", "--quiet", "-m", "more");
        var served = Path.Combine(_directory.FullName, $"{name}.git");
        if (!Directory.Exists(served))
            Git(_directory.FullName, "init", "--quiet", "--bare", "--initial-branch=main", served);
        Git(work, "push", "--quiet", served, "HEAD");
        Git(served, "update-server-info");
        return Git(work, "rev-parse", "HEAD");
    }

    string Work(string name)
    {
        var work = Path.Combine(_directory.FullName, name);
        if (!Directory.Exists(work))
            Git(_directory.FullName, "init", "--quiet", "--initial-branch=main", name);
        return work;
    }

    /// <summary>Stages a submodule.</summary>
    void Submodule(string name, string path, string address, string commit, params (string Key, string Value)[] settings)
    {
        var work = Work(name);
        foreach (var (key, value) in settings.Prepend(("url", address)).Prepend(("path", path)))
            Git(work, "config", "--file", ".gitmodules", $"submodule.{path}.{key}", value);
        Git(work, "add", ".gitmodules");
        Git(work, "update-index", "--add", "--cacheinfo", $"160000,{commit},{path}");
    }

    async Task<(Job Job, string Log)> RunAsync(string repository, string? @ref = null, string? credential = null, JobSystem? system = null)
    {
        system ??= await stores.SharedAsync();
        var source = new Dictionary<string, string> { ["type"] = "git", ["url"] = $"{Url}/{repository}" };
        if (@ref is not null)
            source["ref"] = @ref;
        if (credential is not null)
            source["credential"] = credential;
        return await system.WaitAsync(await system.SubmitAsync(new { source, playbook = "plays/site.yml", inventory = new { path = "hosts.ini" } }));
    }

    /// <summary>The plain files of the repository are all that git needs over HTTP; below closed/ they want a password.</summary>
    async Task ServeAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        _server = builder.Build();
        var right = "Basic " + Convert.ToBase64String(Encoding.UTF8.GetBytes($"ci:{Token}"));
        _server.Use(async (context, next) =>
        {
            if (context.Request.Path.StartsWithSegments("/closed") && context.Request.Headers.Authorization != right)
            {
                context.Response.StatusCode = 401;
                context.Response.Headers.WWWAuthenticate = "Basic realm=\"git\"";
            }
            else
                await next();
        });
        foreach (var path in new[] { "/open", "/closed" })
            _server.UseStaticFiles(new StaticFileOptions { FileProvider = new PhysicalFileProvider(_directory.FullName), RequestPath = path, ServeUnknownFileTypes = true });
        await _server.StartAsync();
    }

    static string Git(string directory, params string[] arguments)
    {
        using var git = Process.Start(new ProcessStartInfo("git", ["-c", "user.name=test", "-c", "user.email=test@example.com", .. arguments]) { WorkingDirectory = directory, RedirectStandardOutput = true })!;
        var output = git.StandardOutput.ReadToEnd().Trim();
        git.WaitForExit();
        Assert.Equal(0, git.ExitCode);
        return output;
    }
}

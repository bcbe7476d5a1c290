using AspireJobs.Jobs;
using AspireJobs.Worker;
using AspireJobs.Worker.Ansible;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;

namespace AspireJobs.Benchmarks;

/// <summary>A worker that is the real one in everything, except that its playbooks take no time.</summary>
static class NoopWorker
{
    /// <summary>The argument with which this program is such a worker.</summary>
    public const string Argument = "noop-worker";

    public static Task RunAsync()
    {
        var builder = WebApplication.CreateBuilder();
        builder.AddServiceDefaults();
        builder.AddNpgsqlDataSource("jobsdb", configureDataSourceBuilder: JobsDatabase.Configure);
        builder.AddRedisClient("redis");
        builder.AddJobs();
        builder.AddWorker();
        builder.Services.Replace(ServiceDescriptor.Singleton<IPlaybookRunner, NoopRunner>());

        var app = builder.Build();
        app.MapDefaultEndpoints();
        return app.RunAsync();
    }

    /// <summary>Succeeds at once, with the recap that a playbook of one task leaves.</summary>
    sealed class NoopRunner : IPlaybookRunner
    {
        static readonly JobResult Done = new(JobOutcome.Success)
        {
            ExitCode = 0,
            Hosts = new Dictionary<string, HostSummary> { ["localhost"] = new(Ok: 1, Changed: 0, Unreachable: 0, Failed: 0, Skipped: 0, Rescued: 0, Ignored: 0) },
        };

        public Task<JobResult> RunAsync(PlaybookRun run, CancellationToken stop) => Task.FromResult(Done);
    }
}

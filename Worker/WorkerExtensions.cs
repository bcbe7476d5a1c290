using AspireJobs.Worker.Ansible;
using AspireJobs.Worker.Maintenance;
using AspireJobs.Worker.Sources;
using Microsoft.Extensions.Options;

namespace AspireJobs.Worker;

/// <summary>Registration of the worker's parts.</summary>
internal static class WorkerExtensions
{
    // After the time to drain, within the 10 seconds after which an orchestrator kills; the playbooks get most of it (see Run.Margin).
    static readonly TimeSpan ShutdownTimeout = TimeSpan.FromSeconds(9);

    public static void AddWorker(this IHostApplicationBuilder builder)
    {
        var services = builder.Services;
        services.AddOptions<WorkerOptions>().BindConfiguration(WorkerOptions.Section).ValidateOnStart();
        services.AddSingleton<IValidateOptions<WorkerOptions>, WorkerOptionsValidator>();
        services.AddOptions<AnsibleOptions>().BindConfiguration(AnsibleOptions.Section).ValidateOnStart();
        services.AddSingleton<IValidateOptions<AnsibleOptions>, InstalledAnsible>();
        services.AddOptions<RetentionOptions>().BindConfiguration(RetentionOptions.Section).ValidateOnStart();
        services.AddSingleton<IValidateOptions<RetentionOptions>, RetentionOptionsValidator>();
        services.AddOptions<HostOptions>().Configure<IOptions<WorkerOptions>>((host, worker) => host.ShutdownTimeout = worker.Value.DrainTimeout + ShutdownTimeout);

        services.AddSingleton(WorkerId.Create());
        services.AddSingleton<PrivateDirectory>();
        services.AddHealthChecks().AddCheck<WorkDirectoryHealth>("work_directory");
        services.AddSingleton<IPlaybookRunner, AnsiblePlaybook>();
        services.AddSingleton<AnsibleVersion>();
        services.AddSingleton<Commands>();
        services.AddSingleton<ISource, InlineSource>();
        services.AddSingleton<ISource, LocalSource>();
        services.AddSingleton<ISource, GitSource>();
        services.AddSingleton<JobCredentials>();
        services.AddSingleton<Settlement>();
        services.AddSingleton<JobExecutor>();
        services.AddSingleton<Runs>();

        services.AddSingleton<IDuty, LostJobs>();
        services.AddSingleton<IDuty, DueJobs>();
        services.AddSingleton<IDuty, ExpiredJobs>();
        services.AddSingleton<IDuty, DueSchedules>();
        services.AddSingleton<IDuty, OldJobs>();

        // Stopped in the reverse order, once the jobs have been drained: the lead first, the leases last.
        services.AddHostedService(provider => provider.GetRequiredService<AnsibleVersion>());
        services.AddHostedService<LeaseKeeper>();
        services.AddHostedService<JobLoop>();
        services.AddHostedService<Leader>();
    }

    // A worker without Ansible would fail every job; better it does not start.
    sealed class InstalledAnsible : IValidateOptions<AnsibleOptions>
    {
        public ValidateOptionsResult Validate(string? name, AnsibleOptions options)
        {
            try
            {
                AnsibleProgram.Find(options.Command);
                return ValidateOptionsResult.Success;
            }
            catch (InvalidOperationException e)
            {
                return ValidateOptionsResult.Fail(e.Message);
            }
        }
    }
}

using Aspire.Hosting;
using Microsoft.Extensions.Hosting;

namespace LocalAspire;

/// <summary>
/// Lets a test hold an AppHost whose real Main runs on another thread: Main stops inside Build() until the test has edited the
/// builder, and inside Run() until the test has ended the application.
/// </summary>
sealed class EntryPointIntercept(Action<DistributedApplicationOptions, HostApplicationBuilderSettings> configure)
{
    // Flows with Main and with nothing else, so that several app hosts in one process do not see each other.
    static readonly AsyncLocal<EntryPointIntercept?> Flow = new();

    readonly TaskCompletionSource<DistributedApplicationBuilder> _builder = new(TaskCreationOptions.RunContinuationsAsynchronously);
    readonly TaskCompletionSource _mayBuild = new(TaskCreationOptions.RunContinuationsAsynchronously);
    readonly TaskCompletionSource<DistributedApplication> _application = new(TaskCreationOptions.RunContinuationsAsynchronously);
    readonly TaskCompletionSource _started = new(TaskCreationOptions.RunContinuationsAsynchronously);
    readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public static EntryPointIntercept? Current => Flow.Value;

    public Action<DistributedApplicationOptions, HostApplicationBuilderSettings> Configure => configure;

    // These are called on the thread of Main.
    public Action<DistributedApplicationBuilder> OnConstructed { get; init; } = _ => { };

    public Action<DistributedApplicationBuilder> OnBuilding { get; init; } = _ => { };

    public Action<DistributedApplication> OnBuilt { get; init; } = _ => { };

    public bool IsCalledFromEntryPoint => ReferenceEquals(Flow.Value, this);

    public Task<DistributedApplicationBuilder> Builder => _builder.Task;

    public Task<DistributedApplication> Application => _application.Task;

    public Task Started => _started.Task;

    public Task Ended => _ended.Task;

    /// <summary>Runs Main on a thread of its own; it blocks for as long as the application lives.</summary>
    public void Run(Action main)
    {
        var thread = new Thread(() => RunMain(main)) { IsBackground = true, Name = "AppHost Main" };
        thread.Start();
    }

    public void Building(DistributedApplicationBuilder builder)
    {
        OnBuilding(builder);
        _builder.TrySetResult(builder);
        _mayBuild.Task.GetAwaiter().GetResult();
    }

    public void Built(DistributedApplication application)
    {
        OnBuilt(application);
        _application.TrySetResult(application);
    }

    public void LetBuild() => _mayBuild.TrySetResult();

    /// <summary>Gives up before Build(): Main ends with an exception that nobody sees.</summary>
    public void Abandon()
    {
        _mayBuild.TrySetException(new OperationCanceledException("The test disposed the builder without building it."));
        MarkEnded();
    }

    public void MarkStarted() => _started.TrySetResult();

    public void MarkEnded()
    {
        _started.TrySetResult();
        _ended.TrySetResult();
    }

    void RunMain(Action main)
    {
        Flow.Value = this;
        Exception failure = new InvalidOperationException("The entry point ended without building a distributed application.");
        try
        {
            main();
        }
        catch (Exception e)
        {
            failure = e;
        }
        // Whoever still waits for something of this Main learns why it will not come.
        _builder.TrySetException(failure);
        _application.TrySetException(failure);
        _ = _builder.Task.Exception;
        _ = _application.Task.Exception;
    }
}

namespace LocalAspire;

/// <summary>A program that is ready to be started.</summary>
sealed record LaunchSpec(string FileName, IReadOnlyList<string> Arguments, string WorkingDirectory)
{
    public IReadOnlyDictionary<string, string> Environment { get; init; } = new Dictionary<string, string>();

    /// <summary>Whether the variables of the AppHost itself are passed on.</summary>
    public bool InheritEnvironment { get; init; } = true;

    /// <summary>The signal that asks the program to end, as kill(1) names it.</summary>
    public string StopSignal { get; init; } = "TERM";

    /// <summary>How long it has to end before it is killed.</summary>
    public TimeSpan Grace { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>Removed after the program has ended, even when the AppHost is gone by then.</summary>
    public string? Cleanup { get; init; }

    /// <summary>The output that says that the program does its work; null when starting it is enough.</summary>
    public string? ReadyText { get; init; }

    /// <summary>Ends what does not end with the program; null when there is nothing of that kind.</summary>
    public Func<Task>? Halt { get; init; }

    /// <summary>Set when the program runs a container.</summary>
    public ContainerView? Container { get; init; }
}

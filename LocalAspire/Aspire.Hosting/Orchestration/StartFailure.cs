using Aspire.Hosting;

namespace LocalAspire;

/// <summary>This machine lacks something that a resource needs. The message is one line, names the resource and says what to do.</summary>
sealed class UnableToStartException(string message) : DistributedApplicationException(message);

/// <summary>The first reason why the application as a whole cannot start.</summary>
sealed class StartFailure : IDisposable
{
    readonly CancellationTokenSource _reported = new();
    string? _message;

    public string? Message => _message;

    public CancellationToken Reported => _reported.Token;

    public void Report(string message)
    {
        if (Interlocked.CompareExchange(ref _message, message, null) is null)
            _reported.Cancel();
    }

    public void Dispose() => _reported.Dispose();
}

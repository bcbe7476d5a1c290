using Aspire.Hosting;

namespace LocalAspire;

/// <summary>This machine lacks something that a resource needs. The message is one line, names the resource and says what to do.</summary>
sealed class UnableToStartException(string message) : DistributedApplicationException(message);

/// <summary>The first reason why the application as a whole cannot start.</summary>
sealed class StartFailure : IDisposable
{
    readonly CancellationTokenSource _reported = new();
    string? _message;
    volatile bool _isOver;

    public string? Message => _message;

    public CancellationToken Reported => _reported.Token;

    /// <returns>False once the application has started: then a failure is one of a single resource.</returns>
    public bool Report(string message)
    {
        if (_isOver)
            return false;
        if (Interlocked.CompareExchange(ref _message, message, null) is null)
            _reported.Cancel();
        return true;
    }

    public void StartIsOver() => _isOver = true;

    public void Dispose() => _reported.Dispose();
}

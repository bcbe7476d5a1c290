using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;

namespace AspireJobs.Tests.Dashboard;

/// <summary>Waits for the line in which the AppHost tells where to log in.</summary>
sealed class LoginLine : ILoggerProvider, ILogger
{
    const string Prefix = "Login to the dashboard at ";

    readonly TaskCompletionSource<string> _url = new(TaskCreationOptions.RunContinuationsAsynchronously);
    readonly ConcurrentQueue<string> _others = new();

    public Task<string> Url => _url.Task.WaitAsync(TestContext.Current.CancellationToken);

    public ILogger CreateLogger(string categoryName) => this;

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => true;

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        var text = formatter(state, exception);
        _others.Enqueue(text);
        if (text.StartsWith(Prefix, StringComparison.Ordinal))
            _url.TrySetResult(text[Prefix.Length..]);
        else if (text.StartsWith("The dashboard", StringComparison.Ordinal))
            _url.TrySetException(new InvalidOperationException(string.Join('\n', _others)));
    }

    public void Dispose() { }
}

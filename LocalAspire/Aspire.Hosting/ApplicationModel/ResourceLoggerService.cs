using System.Collections.Concurrent;
using System.Globalization;
using System.Runtime.CompilerServices;
using System.Threading.Channels;
using LocalAspire;
using Microsoft.Extensions.Logging;

namespace Aspire.Hosting.ApplicationModel;

/// <param name="LineNumber">Counted from 1 for each instance.</param>
/// <param name="Content">The line, after a UTC time stamp as in ISO 8601 and a blank.</param>
/// <param name="IsErrorMessage">Whether it came from the standard error stream, or from a logger at level Error or above.</param>
public readonly record struct LogLine(int LineNumber, string Content, bool IsErrorMessage);

/// <summary>Whether anybody watches the log of an instance.</summary>
public readonly record struct LogSubscriber(string Name, bool AnySubscribers);

/// <summary>Keeps what each resource instance writes, and passes it on to whoever watches.</summary>
public class ResourceLoggerService : IDisposable
{
    readonly ConcurrentDictionary<string, ResourceLog> _logs = new(StringComparer.OrdinalIgnoreCase);

    internal TimeProvider Clock { get; init; } = TimeProvider.System;

    /// <summary>Sees every line as it comes, without the time stamp.</summary>
    internal Action<string, string, bool>? Sink { get; set; }

    public ILogger GetLogger(IResource resource)
    {
        ArgumentNullException.ThrowIfNull(resource);
        return new ResourceLogger(this, () => ResourceInstance.NamesOf(resource));
    }

    public ILogger GetLogger(string resourceName)
    {
        ArgumentNullException.ThrowIfNull(resourceName);
        return new ResourceLogger(this, () => [resourceName]);
    }

    public IAsyncEnumerable<IReadOnlyList<LogLine>> WatchAsync(string resourceName) => LogOf(resourceName).WatchAsync();

    /// <summary>Everything that the instances of the resource have written, then each line as it comes.</summary>
    public async IAsyncEnumerable<IReadOnlyList<LogLine>> WatchAsync(IResource resource)
    {
        ArgumentNullException.ThrowIfNull(resource);
        var merged = Channel.CreateUnbounded<IReadOnlyList<LogLine>>();
        using var stop = new CancellationTokenSource();
        var readers = ResourceInstance.NamesOf(resource).Select(name => CopyAsync(LogOf(name), merged.Writer, stop.Token)).ToArray();
        _ = Task.WhenAll(readers).ContinueWith(all => merged.Writer.TryComplete(all.Exception), TaskScheduler.Default);
        try
        {
            await foreach (var lines in merged.Reader.ReadAllAsync())
                yield return lines;
        }
        finally
        {
            await stop.CancelAsync();
        }
    }

    /// <summary>Everything that the instances of the resource have written so far.</summary>
    public async IAsyncEnumerable<IReadOnlyList<LogLine>> GetAllAsync(IResource resource)
    {
        ArgumentNullException.ThrowIfNull(resource);
        foreach (var name in ResourceInstance.NamesOf(resource))
        {
            await foreach (var lines in GetAllAsync(name))
                yield return lines;
        }
    }

    public async IAsyncEnumerable<IReadOnlyList<LogLine>> GetAllAsync(string resourceName)
    {
        ArgumentNullException.ThrowIfNull(resourceName);
        await Task.CompletedTask;
        if (LogOf(resourceName).Backlog is { Length: > 0 } lines)
            yield return lines;
    }

    public void ClearBacklog(string resourceName)
    {
        ArgumentNullException.ThrowIfNull(resourceName);
        LogOf(resourceName).Clear();
    }

    /// <summary>Tells who is watched now, and of each first watcher and last one from then on.</summary>
    public async IAsyncEnumerable<LogSubscriber> WatchAnySubscribersAsync([EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        var channel = Channel.CreateUnbounded<LogSubscriber>();
        void Tell(LogSubscriber subscriber) => channel.Writer.TryWrite(subscriber);
        foreach (var (name, log) in _logs)
        {
            if (log.IsWatched)
                Tell(new(name, true));
        }
        SubscribersChanged += Tell;
        try
        {
            await foreach (var subscriber in channel.Reader.ReadAllAsync(cancellationToken))
                yield return subscriber;
        }
        finally
        {
            SubscribersChanged -= Tell;
        }
    }

    /// <summary>Ends the watching of the log of one instance.</summary>
    public void Complete(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        LogOf(name).Complete();
    }

    public void Dispose()
    {
        foreach (var log in _logs.Values)
            log.Complete();
        GC.SuppressFinalize(this);
    }

    /// <summary>Ends the watching of the resource's log.</summary>
    public void Complete(IResource resource)
    {
        foreach (var name in ResourceInstance.NamesOf(resource))
            LogOf(name).Complete();
    }

    internal void Append(string instance, string line, bool isError)
    {
        LogOf(instance).Append(Clock.GetUtcNow().UtcDateTime, line, isError);
        Sink?.Invoke(instance, line, isError);
    }

    event Action<LogSubscriber>? SubscribersChanged;

    ResourceLog LogOf(string instance) => _logs.GetOrAdd(instance, name => new(isWatched => SubscribersChanged?.Invoke(new(name, isWatched))));

    static async Task CopyAsync(ResourceLog log, ChannelWriter<IReadOnlyList<LogLine>> writer, CancellationToken cancellationToken)
    {
        try
        {
            await foreach (var lines in log.WatchAsync(cancellationToken))
                writer.TryWrite(lines);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            // The watcher has left.
        }
    }
}

sealed class ResourceLog(Action<bool> watched)
{
    const int Capacity = 10_000;

    readonly Lock _lock = new();
    readonly Queue<Written> _backlog = new();
    readonly List<Channel<LogLine>> _watchers = [];
    int _count;
    bool _complete;

    public LogLine[] Backlog
    {
        get
        {
            lock (_lock)
                return [.. _backlog.Select(line => line.Stamped())];
        }
    }

    public bool IsWatched
    {
        get
        {
            lock (_lock)
                return _watchers.Count > 0;
        }
    }

    public void Clear()
    {
        lock (_lock)
            _backlog.Clear();
    }

    public void Append(DateTime at, string text, bool isError)
    {
        lock (_lock)
        {
            var line = new Written(++_count, at, text, isError);
            _backlog.Enqueue(line);
            if (_backlog.Count > Capacity)
                _backlog.Dequeue();
            if (_watchers.Count == 0)
                return;
            var stamped = line.Stamped();
            foreach (var watcher in _watchers)
                watcher.Writer.TryWrite(stamped);
        }
    }

    public void Complete()
    {
        lock (_lock)
        {
            _complete = true;
            foreach (var watcher in _watchers)
                watcher.Writer.TryComplete();
        }
    }

    public async IAsyncEnumerable<IReadOnlyList<LogLine>> WatchAsync([EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        var channel = Channel.CreateUnbounded<LogLine>();
        LogLine[] known;
        bool isFirst;
        lock (_lock)
        {
            known = [.. _backlog.Select(line => line.Stamped())];
            isFirst = _watchers.Count == 0;
            _watchers.Add(channel);
            if (_complete)
                channel.Writer.TryComplete();
        }
        if (isFirst)
            watched(true);
        try
        {
            if (known.Length > 0)
                yield return known;
            await foreach (var line in channel.Reader.ReadAllAsync(cancellationToken))
                yield return [line];
        }
        finally
        {
            bool isLast;
            lock (_lock)
                isLast = _watchers.Remove(channel) && _watchers.Count == 0;
            if (isLast)
                watched(false);
        }
    }

    // Most lines are never looked at, so they get their time stamp when they are.
    readonly record struct Written(int Number, DateTime At, string Text, bool IsError)
    {
        public LogLine Stamped() => new(Number, string.Create(CultureInfo.InvariantCulture, $"{At:O} {Text}"), IsError);
    }
}

sealed class ResourceLogger(ResourceLoggerService service, Func<IEnumerable<string>> instances) : ILogger
{
    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => logLevel is not LogLevel.None;

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        if (!IsEnabled(logLevel))
            return;

        var text = formatter(state, exception);
        foreach (var instance in instances())
        {
            service.Append(instance, text, logLevel >= LogLevel.Error);
            if (exception is not null)
                service.Append(instance, exception.ToString(), isError: true);
        }
    }
}

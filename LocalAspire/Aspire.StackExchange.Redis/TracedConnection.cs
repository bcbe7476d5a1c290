using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Reflection;
using StackExchange.Redis;

namespace Aspire.StackExchange.Redis;

/// <summary>
/// A connection whose commands are client spans below a recorded span, timed around the call itself: the client's own profiler of 1.x gives times
/// that can lie outside the span that sent the command.
/// </summary>
class TracedConnection : DispatchProxy
{
    /// <summary>The name of the source that the real instrumentation has.</summary>
    public const string SourceName = "OpenTelemetry.Instrumentation.StackExchangeRedis";

    IConnectionMultiplexer _connection = null!;

    public static IConnectionMultiplexer Of(IConnectionMultiplexer connection)
    {
        var traced = Create<IConnectionMultiplexer, TracedConnection>();
        ((TracedConnection)(object)traced)._connection = connection;
        return traced;
    }

    protected override object? Invoke(MethodInfo? targetMethod, object?[]? args) =>
        targetMethod!.Invoke(_connection, BindingFlags.DoNotWrapExceptions, null, args, CultureInfo.InvariantCulture) switch
        {
            IDatabase database => TracedCommands.Of(database, _connection, database.Database),
            ISubscriber subscriber => TracedCommands.Of(subscriber, _connection, null),
            var other => other,
        };
}

/// <summary>The commands of a database or a subscriber.</summary>
class TracedCommands : DispatchProxy
{
    static readonly ActivitySource Source = new(TracedConnection.SourceName);

    // As Redis calls them. A script goes out by its hash. Commands that are not here are called by the client's method.
    static readonly Dictionary<string, string> Commands = new()
    {
        ["ScriptEvaluate"] = "EVALSHA", ["SortedSetLength"] = "ZCARD", ["Publish"] = "PUBLISH", ["Subscribe"] = "SUBSCRIBE", ["Unsubscribe"] = "UNSUBSCRIBE", ["Ping"] = "PING",
    };

    static readonly ConcurrentDictionary<MethodInfo, string?> Names = new();

    object _target = null!;
    KeyValuePair<string, object?>[] _tags = [];

    public static T Of<T>(T target, IConnectionMultiplexer connection, int? database) where T : class
    {
        var traced = Create<T, TracedCommands>();
        var proxy = (TracedCommands)(object)traced;
        proxy._target = target;
        proxy._tags = [.. Tags(connection, database)];
        return traced;
    }

    protected override object? Invoke(MethodInfo? targetMethod, object?[]? args)
    {
        var parent = Activity.Current;
        var span = parent is { Recorded: true } && Names.GetOrAdd(targetMethod!, Name) is { } name && IsAnswered(args)
            ? Source.StartActivity(name, ActivityKind.Client, parent.Context, [.. _tags, new("db.operation.name", name)])
            : null;
        try
        {
            var result = targetMethod!.Invoke(_target, BindingFlags.DoNotWrapExceptions, null, args, CultureInfo.InvariantCulture);
            if (result is Task answer && span is not null)
                answer.ContinueWith(End, span, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
            else
                span?.Dispose();
            return result;
        }
        catch (Exception e)
        {
            Fail(span, e);
            throw;
        }
        finally
        {
            Activity.Current = parent;
        }
    }

    static void End(Task answer, object? state)
    {
        var span = (Activity)state!;
        if (answer.Exception is { InnerException: { } e })
            Fail(span, e);
        else
            span.Dispose();
    }

    // Not the message, which can name keys.
    static void Fail(Activity? span, Exception e) => span?.SetStatus(ActivityStatusCode.Error).SetTag("error.type", e.GetType().FullName).Dispose();

    // Whatever takes flags is a command.
    static string? Name(MethodInfo method)
    {
        if (!method.GetParameters().Any(parameter => parameter.ParameterType == typeof(CommandFlags)))
            return null;
        var name = method.Name.EndsWith("Async", StringComparison.Ordinal) ? method.Name[..^"Async".Length] : method.Name;
        return Commands.GetValueOrDefault(name, name);
    }

    static bool IsAnswered(object?[]? args) => args?.OfType<CommandFlags>().Any(flags => flags.HasFlag(CommandFlags.FireAndForget)) != true;

    static IEnumerable<KeyValuePair<string, object?>> Tags(IConnectionMultiplexer connection, int? database)
    {
        yield return new("db.system.name", "redis");
        if (database is { } index)
            yield return new("db.namespace", index.ToString(CultureInfo.InvariantCulture));
        var (host, port) = connection.GetEndPoints() switch
        {
            [DnsEndPoint dns, ..] => (dns.Host, dns.Port),
            [IPEndPoint ip, ..] => (ip.Address.ToString(), ip.Port),
            _ => ("", 0),
        };
        if (host.Length == 0)
            yield break;
        yield return new("server.address", host);
        yield return new("server.port", port);
    }
}

using System.Diagnostics;
using System.Globalization;
using System.Net;
using StackExchange.Redis;

namespace Aspire.StackExchange.Redis;

/// <summary>
/// A database whose scripts, the only commands that the services wait for, are client spans below a recorded span. They are timed around the call
/// itself: the client's own profiler of 1.x gives times that can lie outside the span that sent the command, and a proxy made at run time cannot be
/// compiled ahead of it.
/// </summary>
sealed partial class TracedDatabase(IDatabase inner, EndPoint[] servers) : IDatabase
{
    /// <summary>The name of the source that the real instrumentation has.</summary>
    public const string SourceName = "OpenTelemetry.Instrumentation.StackExchangeRedis";

    // A script goes out by its hash.
    const string Script = "EVALSHA";

    static readonly ActivitySource Source = new(SourceName);

    readonly KeyValuePair<string, object?>[] _tags = [.. Tags(servers), new("db.namespace", inner.Database.ToString(CultureInfo.InvariantCulture)), new("db.operation.name", Script)];

    public Task<RedisResult> ScriptEvaluateAsync(string script, RedisKey[]? keys, RedisValue[]? values, CommandFlags flags) =>
        TracedAsync(flags, () => inner.ScriptEvaluateAsync(script, keys, values, flags));

    public Task<RedisResult> ScriptEvaluateAsync(byte[] hash, RedisKey[]? keys, RedisValue[]? values, CommandFlags flags) =>
        TracedAsync(flags, () => inner.ScriptEvaluateAsync(hash, keys, values, flags));

    public Task<RedisResult> ScriptEvaluateAsync(LuaScript script, object? parameters, CommandFlags flags) =>
        TracedAsync(flags, () => inner.ScriptEvaluateAsync(script, parameters, flags));

    public Task<RedisResult> ScriptEvaluateAsync(LoadedLuaScript script, object? parameters, CommandFlags flags) =>
        TracedAsync(flags, () => inner.ScriptEvaluateAsync(script, parameters, flags));

    async Task<RedisResult> TracedAsync(CommandFlags flags, Func<Task<RedisResult>> send)
    {
        using var span = Activity.Current is { Recorded: true } && !flags.HasFlag(CommandFlags.FireAndForget)
            ? Source.StartActivity(Script, ActivityKind.Client, parentContext: default, _tags)
            : null;
        try
        {
            return await send().ConfigureAwait(false);
        }
        catch (Exception e)
        {
            // Not the message, which can name keys.
            span?.SetStatus(ActivityStatusCode.Error).SetTag("error.type", e.GetType().FullName);
            throw;
        }
    }

    static IEnumerable<KeyValuePair<string, object?>> Tags(EndPoint[] servers)
    {
        yield return new("db.system.name", "redis");
        var (host, port) = servers switch
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

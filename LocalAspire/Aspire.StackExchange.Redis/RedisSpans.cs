using System.Diagnostics;
using System.Globalization;
using System.Net;
using OpenTelemetry;
using StackExchange.Redis;

namespace Aspire.StackExchange.Redis;

/// <summary>
/// A client span for each command below the span that was current when it was sent. The client hands out what it measured when asked, so
/// the spans are made when that span ends; a command that has not been answered by then has none.
/// </summary>
sealed class RedisSpans : BaseProcessor<Activity>
{
    public const string SourceName = "OpenTelemetry.Instrumentation.StackExchangeRedis";

    // A span that lasts for hours would gather commands without end.
    const int MostCommands = 128;

    const string SessionKey = "LocalAspire.RedisSession";

    static readonly ActivitySource Source = new(SourceName);

    /// <summary>Has the connection measure the commands of recorded spans.</summary>
    public static void Observe(ConnectionMultiplexer connection) => connection.RegisterProfiler(new Profiler(connection));

    public override void OnEnd(Activity data)
    {
        if (data.GetCustomProperty(SessionKey) is not Session session)
            return;
        data.SetCustomProperty(SessionKey, null);
        foreach (var command in session.Connection.FinishProfiling(session))
            Record(command, data.Context);
    }

    static void Record(IProfiledCommand command, ActivityContext parent)
    {
        var start = new DateTimeOffset(DateTime.SpecifyKind(command.CommandCreated, DateTimeKind.Utc));
        using var span = Source.StartActivity(command.Command, ActivityKind.Client, parent, startTime: start);
        if (span is null)
            return;
        span.SetTag("db.system.name", "redis").SetTag("db.operation.name", command.Command).SetTag("db.namespace", command.Db.ToString(CultureInfo.InvariantCulture));
        var (host, port) = command.EndPoint switch
        {
            DnsEndPoint dns => (dns.Host, dns.Port),
            IPEndPoint ip => (ip.Address.ToString(), ip.Port),
            _ => ("", 0),
        };
        if (host.Length > 0)
            span.SetTag("server.address", host).SetTag("server.port", port);
        span.SetEndTime((start + command.ElapsedTime).UtcDateTime);
    }

    sealed class Profiler(ConnectionMultiplexer connection) : IProfiler
    {
        /// <summary>Under whom the client keeps the measurements of the command it is about to send; null for nobody.</summary>
        public object? GetContext()
        {
            if (Activity.Current is not { Recorded: true } activity)
                return null;
            lock (activity)
            {
                if (activity.GetCustomProperty(SessionKey) is not Session session)
                {
                    if (activity.IsStopped)
                        return null;
                    session = new Session(connection);
                    connection.BeginProfiling(session);
                    activity.SetCustomProperty(SessionKey, session);
                }
                return session.Connection == connection && session.Commands++ < MostCommands ? session : null;
            }
        }
    }

    sealed class Session(ConnectionMultiplexer connection)
    {
        public ConnectionMultiplexer Connection => connection;

        public int Commands { get; set; }
    }
}

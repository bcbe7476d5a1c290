using System.Diagnostics;
using System.Globalization;
using System.Net;
using OpenTelemetry;
using StackExchange.Redis;

namespace Aspire.StackExchange.Redis;

/// <summary>
/// A client span for each command below the span that was current when it was sent. The client hands out what it measured when asked, and
/// is asked a second or two after that span has ended; a command that has not been answered by then has no span.
/// </summary>
sealed class RedisSpans : BaseProcessor<Activity>
{
    public const string SourceName = "OpenTelemetry.Instrumentation.StackExchangeRedis";

    // A span that lasts for hours would gather commands without end.
    const int MostCommands = 128;

    const string SessionKey = "LocalAspire.RedisSession";

    static readonly TimeSpan Period = TimeSpan.FromSeconds(1);
    static readonly ActivitySource Source = new(SourceName);

    readonly Queue<(Session, ActivityContext)> _ended = [];
    readonly ITimer _timer;
    int _settled;

    /// <summary>Has the connection measure the commands of recorded spans.</summary>
    public static void Observe(ConnectionMultiplexer connection) => connection.RegisterProfiler(new Profiler(connection));

    public RedisSpans() => _timer = TimeProvider.System.CreateTimer(_ => RecordSettled(), null, Period, Period);

    public override void OnEnd(Activity data)
    {
        lock (data)
        {
            if (data.GetCustomProperty(SessionKey) is not Session session)
                return;
            data.SetCustomProperty(SessionKey, null);
            lock (_ended)
                _ended.Enqueue((session, data.Context));
        }
    }

    protected override bool OnShutdown(int timeoutMilliseconds)
    {
        _timer.Dispose();
        RecordSettled();
        RecordSettled();
        return true;
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
            _timer.Dispose();
        base.Dispose(disposing);
    }

    // The caller goes on as soon as the answer is there, before the client has noted down that it came: what had ended by the last tick is settled.
    void RecordSettled()
    {
        lock (_ended)
        {
            for (; _settled > 0; _settled--)
            {
                var (session, parent) = _ended.Dequeue();
                foreach (var command in session.Connection.FinishProfiling(session))
                    Record(command, parent);
            }
            _settled = _ended.Count;
        }
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
        // Not ElapsedTime, which ends only when the client has found time to note it down.
        span.SetEndTime((start + command.CreationToEnqueued + command.EnqueuedToSending + command.SentToResponse).UtcDateTime);
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

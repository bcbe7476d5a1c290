using System.Net;
using StackExchange.Redis;

namespace Aspire.StackExchange.Redis;

/// <summary>A connection whose databases are <see cref="TracedDatabase"/>s, and which is the given one in everything else.</summary>
#nullable disable // The client's interface knows nothing of it.
sealed class TracedConnection(ConnectionMultiplexer inner) : IConnectionMultiplexer
{
    public IDatabase GetDatabase(int db, object asyncState) => new TracedDatabase(inner.GetDatabase(db, asyncState), inner.GetEndPoints());

    public override string ToString() => inner.ToString();

    public event EventHandler<RedisErrorEventArgs> ErrorMessage { add => inner.ErrorMessage += value; remove => inner.ErrorMessage -= value; }
    public event EventHandler<ConnectionFailedEventArgs> ConnectionFailed { add => inner.ConnectionFailed += value; remove => inner.ConnectionFailed -= value; }
    public event EventHandler<InternalErrorEventArgs> InternalError { add => inner.InternalError += value; remove => inner.InternalError -= value; }
    public event EventHandler<ConnectionFailedEventArgs> ConnectionRestored { add => inner.ConnectionRestored += value; remove => inner.ConnectionRestored -= value; }
    public event EventHandler<EndPointEventArgs> ConfigurationChanged { add => inner.ConfigurationChanged += value; remove => inner.ConfigurationChanged -= value; }
    public event EventHandler<EndPointEventArgs> ConfigurationChangedBroadcast { add => inner.ConfigurationChangedBroadcast += value; remove => inner.ConfigurationChangedBroadcast -= value; }
    public event EventHandler<HashSlotMovedEventArgs> HashSlotMoved { add => inner.HashSlotMoved += value; remove => inner.HashSlotMoved -= value; }
    public string ClientName => inner.ClientName;
    public string Configuration => inner.Configuration;
    public int TimeoutMilliseconds => inner.TimeoutMilliseconds;
    public long OperationCount => inner.OperationCount;
    public bool PreserveAsyncOrder { get => inner.PreserveAsyncOrder; set => inner.PreserveAsyncOrder = value; }
    public bool IsConnected => inner.IsConnected;
    public bool IncludeDetailInExceptions { get => inner.IncludeDetailInExceptions; set => inner.IncludeDetailInExceptions = value; }
    public int StormLogThreshold { get => inner.StormLogThreshold; set => inner.StormLogThreshold = value; }
    public void RegisterProfiler(IProfiler profiler) => inner.RegisterProfiler(profiler);
    public void BeginProfiling(object forContext) => inner.BeginProfiling(forContext);
    public ProfiledCommandEnumerable FinishProfiling(object forContext, bool allowCleanupSweep) => inner.FinishProfiling(forContext, allowCleanupSweep);
    public ServerCounters GetCounters() => inner.GetCounters();
    public EndPoint[] GetEndPoints(bool configuredOnly) => inner.GetEndPoints(configuredOnly);
    public void Wait(Task task) => inner.Wait(task);
    public T Wait<T>(Task<T> task) => inner.Wait<T>(task);
    public void WaitAll(params Task[] tasks) => inner.WaitAll(tasks);
    public int HashSlot(RedisKey key) => inner.HashSlot(key);
    public ISubscriber GetSubscriber(object asyncState) => inner.GetSubscriber(asyncState);
    public IServer GetServer(string host, int port, object asyncState) => inner.GetServer(host, port, asyncState);
    public IServer GetServer(string hostAndPort, object asyncState) => inner.GetServer(hostAndPort, asyncState);
    public IServer GetServer(IPAddress host, int port) => inner.GetServer(host, port);
    public IServer GetServer(EndPoint endpoint, object asyncState) => inner.GetServer(endpoint, asyncState);
    public Task<bool> ConfigureAsync(TextWriter log) => inner.ConfigureAsync(log);
    public bool Configure(TextWriter log) => inner.Configure(log);
    public string GetStatus() => inner.GetStatus();
    public void GetStatus(TextWriter log) => inner.GetStatus(log);
    public void Close(bool allowCommandsToComplete) => inner.Close(allowCommandsToComplete);
    public Task CloseAsync(bool allowCommandsToComplete) => inner.CloseAsync(allowCommandsToComplete);
    public void Dispose() => inner.Dispose();
    public string GetStormLog() => inner.GetStormLog();
    public void ResetStormLog() => inner.ResetStormLog();
    public long PublishReconfigure(CommandFlags flags) => inner.PublishReconfigure(flags);
    public Task<long> PublishReconfigureAsync(CommandFlags flags) => inner.PublishReconfigureAsync(flags);
}

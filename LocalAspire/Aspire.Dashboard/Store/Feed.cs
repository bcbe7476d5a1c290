using System.Threading.Channels;

namespace Aspire.Dashboard.Store;

/// <summary>Passes what arrives to followers. One that does not keep up loses the oldest.</summary>
sealed class Feed<T>
{
    const int Capacity = 4_096;

    readonly Lock _lock = new();
    Channel<T>[] _followers = [];

    public bool HasFollowers => Volatile.Read(ref _followers).Length > 0;

    public void Publish(T item)
    {
        foreach (var follower in Volatile.Read(ref _followers))
            follower.Writer.TryWrite(item);
    }

    public Follower Follow()
    {
        var channel = Channel.CreateBounded<T>(new BoundedChannelOptions(Capacity) { FullMode = BoundedChannelFullMode.DropOldest });
        lock (_lock)
            _followers = [.. _followers, channel];
        return new(this, channel);
    }

    void Remove(Channel<T> channel)
    {
        lock (_lock)
            _followers = [.. _followers.Where(follower => follower != channel)];
    }

    public sealed class Follower(Feed<T> feed, Channel<T> channel) : IDisposable
    {
        public ChannelReader<T> Reader => channel.Reader;

        public void Dispose() => feed.Remove(channel);
    }
}

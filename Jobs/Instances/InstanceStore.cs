using Npgsql;

namespace AspireJobs.Jobs.Instances;

/// <summary>A process of a service.</summary>
/// <param name="Service">Its service, such as <c>worker</c>.</param>
/// <param name="Address">Host and port where it answers, behind <see cref="Https"/> if it does so in no other way.</param>
public sealed record Instance(string Service, string Address)
{
    /// <summary>What an address begins with at which TLS is spoken.</summary>
    public const string Https = "https://";
}

/// <summary>Which processes live, by their own word.</summary>
public sealed class InstanceStore(NpgsqlDataSource db)
{
    /// <summary>How often a process says that it lives.</summary>
    public static readonly TimeSpan Renewal = TimeSpan.FromSeconds(10);

    /// <summary>
    /// A process that fell silent this long before the last one heard of is forgotten: time enough for the alert that it does not answer, which
    /// must see it to speak. When none is heard of, the store was away, and they are all still known.
    /// </summary>
    public static readonly TimeSpan Silence = TimeSpan.FromMinutes(15);

    /// <summary>Says that a process lives.</summary>
    public Task BeatAsync(Instance instance, CancellationToken cancellationToken) =>
        db.Command(
            """
            insert into instances (address, service) values ($1, $2)
            on conflict (address) do update set service = excluded.service, heartbeat_at = now()
            """, instance.Address, instance.Service).ExecuteAsync(cancellationToken);

    /// <summary>Forgets a process that stops in good order, and those that died long ago.</summary>
    public Task LeaveAsync(Instance instance, CancellationToken cancellationToken) =>
        db.Command("delete from instances where address = $1 or heartbeat_at < now() - interval '1 day'", instance.Address).ExecuteAsync(cancellationToken);

    /// <summary>The processes that have not stopped in good order, by service and address.</summary>
    public Task<List<Instance>> KnownAsync(CancellationToken cancellationToken) =>
        db.Command("select service, address from instances where heartbeat_at > (select max(heartbeat_at) from instances) - $1 order by service, address", Silence)
            .QueryAsync(row => new Instance(row.GetString(0), row.GetString(1)), cancellationToken);
}

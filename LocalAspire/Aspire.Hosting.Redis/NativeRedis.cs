using System.Globalization;
using Aspire.Hosting.ApplicationModel;

namespace LocalAspire;

/// <summary>Runs the redis-server of this machine.</summary>
sealed class NativeRedis(RedisResource redis) : INativeServer
{
    public async Task<LaunchSpec> PrepareAsync(NativeServerContext context, CancellationToken cancellationToken)
    {
        var program = Programs.Find("redis-server") ?? throw new UnableToStartException(
            $"the resource '{redis.Name}' needs 'redis-server', which was not found on PATH. Install it: apt-get install redis-server");
        CreateData(context.DataDirectory);

        var settings = Path.Combine(context.WorkDirectory, "redis.conf");
        PrivateFiles.Write(settings, await SettingsAsync(context, cancellationToken));
        var (command, arguments) = DataLock.Guard(Path.Combine(context.DataDirectory, ".lock"), program, settings);
        return new(command, arguments, context.DataDirectory)
        {
            InheritEnvironment = false,
            Grace = TimeSpan.FromSeconds(3),
            Cleanup = context.WorkDirectory,
            ReadyText = "Ready to accept connections",
        };
    }

    void CreateData(string directory)
    {
        try
        {
            PrivateFiles.CreateDirectory(directory);
            PrivateFiles.Write(Path.Combine(directory, ".probe"), "");
            File.Delete(Path.Combine(directory, ".probe"));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new UnableToStartException(
                $"the resource '{redis.Name}' cannot use its data directory '{directory}': {e.Message.TrimEnd('.')}. "
                + $"Give it to the user '{Environment.UserName}', or set Aspire:Store:Path to another place.");
        }
    }

    async Task<string> SettingsAsync(NativeServerContext context, CancellationToken cancellationToken)
    {
        var lines = new List<string>
        {
            "bind 127.0.0.1 -::1",
            string.Create(CultureInfo.InvariantCulture, $"port {context.Port}"),
            $"dir {Quote(context.DataDirectory)}",
            "maxmemory-policy noeviction",
        };
        if (redis.PasswordParameter is not null && await redis.PasswordParameter.GetValueAsync(cancellationToken) is { } password)
            lines.Add($"requirepass {Quote(password)}");

        // Redis' own default would write snapshots even where nobody asked for persistence.
        var persistence = redis.Annotations.OfType<PersistenceAnnotation>().LastOrDefault();
        lines.Add(persistence is null
            ? "save \"\""
            : string.Create(CultureInfo.InvariantCulture, $"save {(long)persistence.Interval.TotalSeconds} {persistence.KeysChangedThreshold}"));
        lines.Add(persistence is null ? "appendonly no" : "appendonly yes");
        return string.Join('\n', lines) + "\n";
    }

    static string Quote(string value) => $"\"{value.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal)}\"";
}

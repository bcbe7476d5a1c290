using System.Globalization;
using Aspire.Hosting.ApplicationModel;
using LocalAspire;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Aspire.Hosting;

public static class RedisBuilderExtensions
{
    static readonly TimeSpan DefaultInterval = TimeSpan.FromSeconds(60);

    /// <inheritdoc cref="AddRedis(IDistributedApplicationBuilder, string, int?, IResourceBuilder{ParameterResource})"/>
    public static IResourceBuilder<RedisResource> AddRedis(this IDistributedApplicationBuilder builder, [ResourceName] string name, int? port) =>
        builder.AddRedis(name, port, null);

    /// <summary>A Redis server that only this machine reaches, with a password.</summary>
    /// <param name="builder">The application.</param>
    /// <param name="name">The name of the resource, and of the connection string.</param>
    /// <param name="port">The public port; null for one that is chosen at start.</param>
    /// <param name="password">Null for a generated one, kept in user secrets.</param>
    public static IResourceBuilder<RedisResource> AddRedis(
        this IDistributedApplicationBuilder builder, [ResourceName] string name, int? port = null, IResourceBuilder<ParameterResource>? password = null)
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentNullException.ThrowIfNull(name);
        var secret = password?.Resource ?? ParameterResourceBuilderExtensions.CreateDefaultPasswordParameter(builder, $"{name}-password", special: false);
        var redis = new RedisResource(name, secret);
        var key = $"{name}_check";
        builder.Services.AddHealthChecks().Add(new HealthCheckRegistration(key, _ => new RedisPing(redis), failureStatus: null, tags: null));
        return builder.AddResource(redis)
            .WithEndpoint(port: port, targetPort: 6379, scheme: "redis", name: RedisResource.PrimaryEndpointName)
            .WithImage("library/redis", "8.6")
            .WithImageRegistry("docker.io")
            .WithHealthCheck(key)
            .WithEntrypoint("/bin/sh")
            .WithEnvironment(context =>
            {
                if (redis.PasswordParameter is { } password)
                    context.EnvironmentVariables["REDIS_PASSWORD"] = password;
            })
            .WithArgs("-c")
            .WithArgs(context => context.Args.Add(ContainerCommand(redis)))
            // The shell is the first process of the container, and does not pass signals on.
            .WithAnnotation(new ContainerQuitAnnotation("REDISCLI_AUTH=$REDIS_PASSWORD redis-cli shutdown"))
            .WithAnnotation(new NativeServerAnnotation(new NativeRedis(redis)));
    }

    /// <summary>Keeps the data between runs of the AppHost.</summary>
    /// <param name="builder">The server.</param>
    /// <param name="name">The volume; null for one of this resource. Natively, a directory under <c>.data/</c>.</param>
    /// <param name="isReadOnly">Whether the server may only read; only a container can have that.</param>
    public static IResourceBuilder<RedisResource> WithDataVolume(this IResourceBuilder<RedisResource> builder, string? name = null, bool isReadOnly = false)
    {
        ArgumentNullException.ThrowIfNull(builder);
        builder.WithAnnotation(new ContainerMountAnnotation(name ?? VolumeNameGenerator.Generate(builder, "data"), "/data", ContainerMountType.Volume, isReadOnly)
        {
            IsNameGenerated = name is null,
        });
        return isReadOnly ? builder : builder.WithPersistence();
    }

    /// <summary>Keeps the data in a directory of this machine.</summary>
    /// <param name="builder">The server.</param>
    /// <param name="source">Absolute, or relative to the AppHost's directory.</param>
    /// <param name="isReadOnly">Whether the server may only read; only a container can have that.</param>
    public static IResourceBuilder<RedisResource> WithDataBindMount(this IResourceBuilder<RedisResource> builder, string source, bool isReadOnly = false)
    {
        ArgumentNullException.ThrowIfNull(builder);
        builder.WithBindMount(source, "/data", isReadOnly);
        return isReadOnly ? builder : builder.WithPersistence();
    }

    /// <summary>Writes the data to disk; natively every command goes into an append-only file as well.</summary>
    /// <param name="builder">The server.</param>
    /// <param name="interval">How often a snapshot is due; null for 60 s.</param>
    /// <param name="keysChangedThreshold">How many keys must have changed for one.</param>
    public static IResourceBuilder<RedisResource> WithPersistence(this IResourceBuilder<RedisResource> builder, TimeSpan? interval = null, long keysChangedThreshold = 1)
    {
        ArgumentNullException.ThrowIfNull(builder);
        return builder.WithAnnotation(new PersistenceAnnotation(interval ?? DefaultInterval, keysChangedThreshold), ResourceAnnotationMutationBehavior.Replace);
    }

    /// <param name="builder">The server.</param>
    /// <param name="password">Null for none at all.</param>
    public static IResourceBuilder<RedisResource> WithPassword(this IResourceBuilder<RedisResource> builder, IResourceBuilder<ParameterResource>? password)
    {
        ArgumentNullException.ThrowIfNull(builder);
        builder.Resource.SetPassword(password?.Resource);
        return builder;
    }

    public static IResourceBuilder<RedisResource> WithHostPort(this IResourceBuilder<RedisResource> builder, int? port)
    {
        ArgumentNullException.ThrowIfNull(builder);
        return builder.WithEndpoint(RedisResource.PrimaryEndpointName, endpoint => endpoint.Port = port);
    }

    // The shell puts the password in: an argument of the container would show it.
    static string ContainerCommand(RedisResource redis)
    {
        var command = new List<string> { "redis-server" };
        if (redis.PasswordParameter is not null)
            command.Add("--requirepass $REDIS_PASSWORD");
        if (redis.TryGetLastAnnotation<PersistenceAnnotation>(out var persistence))
            command.Add(string.Create(CultureInfo.InvariantCulture, $"--save {persistence.Interval.TotalSeconds} {persistence.KeysChangedThreshold}"));
        return string.Join(' ', command);
    }
}

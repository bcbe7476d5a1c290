using System.Globalization;
using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Eventing;
using LocalAspire;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Aspire.Hosting;

public static class PostgresBuilderExtensions
{
    /// <summary>A PostgreSQL server that only this machine reaches, with a password.</summary>
    /// <param name="builder">The application.</param>
    /// <param name="name">The name of the resource.</param>
    /// <param name="userName">Null for <c>postgres</c>.</param>
    /// <param name="password">Null for a generated one, kept in user secrets.</param>
    /// <param name="port">The public port; null for one that is chosen at start.</param>
    public static IResourceBuilder<PostgresServerResource> AddPostgres(
        this IDistributedApplicationBuilder builder,
        [ResourceName] string name,
        IResourceBuilder<ParameterResource>? userName = null,
        IResourceBuilder<ParameterResource>? password = null,
        int? port = null)
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentNullException.ThrowIfNull(name);
        var secret = password?.Resource ?? ParameterResourceBuilderExtensions.CreateDefaultPasswordParameter(builder, $"{name}-password");
        var server = new PostgresServerResource(name, userName?.Resource, secret);
        return AddCheck(builder.AddResource(server), server, databaseName: null)
            .WithEndpoint(port: port, targetPort: 5432, name: PostgresServerResource.PrimaryEndpointName)
            .WithImage("library/postgres", "18.3")
            .WithImageRegistry("docker.io")
            .WithEnvironment("POSTGRES_HOST_AUTH_METHOD", "scram-sha-256")
            .WithEnvironment("POSTGRES_INITDB_ARGS", "--auth-host=scram-sha-256 --auth-local=scram-sha-256")
            .WithEnvironment(context =>
            {
                context.EnvironmentVariables["POSTGRES_USER"] = server.UserNameReference;
                context.EnvironmentVariables["POSTGRES_PASSWORD"] = server.PasswordParameter;
            })
            .WithAnnotation(new NativeServerAnnotation(new NativePostgres(server)))
            .OnResourceReady((resource, e, ct) => PostgresDatabases.CreateMissingAsync(
                resource, e.Services.GetRequiredService<DistributedApplicationModel>(), ((IDistributedApplicationResourceEvent)e).Logger, ct));
    }

    /// <summary>A database, created when the server is ready and it is not there yet.</summary>
    /// <param name="builder">The server.</param>
    /// <param name="name">The name of the resource, and of the connection string.</param>
    /// <param name="databaseName">The name in the server; null for that of the resource.</param>
    public static IResourceBuilder<PostgresDatabaseResource> AddDatabase(
        this IResourceBuilder<PostgresServerResource> builder, [ResourceName] string name, string? databaseName = null)
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentNullException.ThrowIfNull(name);
        var database = new PostgresDatabaseResource(name, databaseName ?? name, builder.Resource);
        builder.Resource.AddDatabase(name, database.DatabaseName);
        return AddCheck(builder.ApplicationBuilder.AddResource(database), builder.Resource, database.DatabaseName);
    }

    /// <summary>Replaces the statement that creates the database. It runs once, outside of a transaction.</summary>
    public static IResourceBuilder<PostgresDatabaseResource> WithCreationScript(this IResourceBuilder<PostgresDatabaseResource> builder, string script)
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentNullException.ThrowIfNull(script);
        return builder.WithAnnotation(new CreationScriptAnnotation(script), ResourceAnnotationMutationBehavior.Replace);
    }

    /// <summary>Keeps the data between runs of the AppHost.</summary>
    /// <param name="builder">The server.</param>
    /// <param name="name">The volume; null for one of this resource. Natively, a directory under <c>.data/</c>.</param>
    /// <param name="isReadOnly">Whether the server may only read; only a container can have that.</param>
    public static IResourceBuilder<PostgresServerResource> WithDataVolume(this IResourceBuilder<PostgresServerResource> builder, string? name = null, bool isReadOnly = false)
    {
        ArgumentNullException.ThrowIfNull(builder);
        return builder.WithAnnotation(new ContainerMountAnnotation(
            name ?? VolumeNameGenerator.Generate(builder, "data"), DataPath(builder.Resource), ContainerMountType.Volume, isReadOnly)
        {
            IsNameGenerated = name is null,
        });
    }

    /// <summary>Keeps the data in a directory of this machine.</summary>
    /// <param name="builder">The server.</param>
    /// <param name="source">Absolute, or relative to the AppHost's directory.</param>
    /// <param name="isReadOnly">Whether the server may only read; only a container can have that.</param>
    public static IResourceBuilder<PostgresServerResource> WithDataBindMount(this IResourceBuilder<PostgresServerResource> builder, string source, bool isReadOnly = false)
    {
        ArgumentNullException.ThrowIfNull(builder);
        return builder.WithBindMount(source, DataPath(builder.Resource), isReadOnly);
    }

    public static IResourceBuilder<PostgresServerResource> WithPassword(this IResourceBuilder<PostgresServerResource> builder, IResourceBuilder<ParameterResource> password)
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentNullException.ThrowIfNull(password);
        builder.Resource.PasswordParameter = password.Resource;
        return builder;
    }

    public static IResourceBuilder<PostgresServerResource> WithUserName(this IResourceBuilder<PostgresServerResource> builder, IResourceBuilder<ParameterResource> userName)
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentNullException.ThrowIfNull(userName);
        builder.Resource.UserNameParameter = userName.Resource;
        return builder;
    }

    public static IResourceBuilder<PostgresServerResource> WithHostPort(this IResourceBuilder<PostgresServerResource> builder, int? port)
    {
        ArgumentNullException.ThrowIfNull(builder);
        return builder.WithEndpoint(PostgresServerResource.PrimaryEndpointName, endpoint => endpoint.Port = port);
    }

    // The image keeps a directory for each major version since 18.
    static string DataPath(PostgresServerResource server) =>
        server.TryGetLastAnnotation<ContainerImageAnnotation>(out var image)
        && int.TryParse(image.Tag?.Split('.', '-')[0], CultureInfo.InvariantCulture, out var major) && major < 18
            ? "/var/lib/postgresql/data"
            : "/var/lib/postgresql";

    static IResourceBuilder<T> AddCheck<T>(IResourceBuilder<T> builder, PostgresServerResource server, string? databaseName)
        where T : IResource
    {
        var key = $"{builder.Resource.Name}_check";
        builder.ApplicationBuilder.Services.AddHealthChecks().Add(new HealthCheckRegistration(
            key,
            services => new PostgresConnect(server, databaseName, services.GetRequiredService<StartFailure>()),
            failureStatus: null,
            tags: null));
        return builder.WithHealthCheck(key);
    }
}

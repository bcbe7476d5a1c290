using System.Data.Common;
using AspireJobs.Tests.Infrastructure;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting;
using Npgsql;
using StackExchange.Redis;

namespace AspireJobs.Tests.Hosting;

/// <summary>What a service that uses the client integrations gets from them.</summary>
public sealed class ClientIntegrationTests(Stores stores)
{
    [Fact]
    public async Task Clients_with_and_without_a_key_reach_their_servers_and_report_health_under_their_names()
    {
        await using var lease = await stores.LeaseAsync();
        var builder = Create(("ConnectionStrings:db", lease.Postgres), ("ConnectionStrings:cache", lease.Redis));
        builder.AddNpgsqlDataSource("db");
        builder.AddKeyedNpgsqlDataSource("db");
        builder.AddRedisClient("cache");
        builder.AddKeyedRedisClient("cache");
        // The checks of a client stand once, however often it is added.
        builder.AddNpgsqlDataSource("db");
        using var host = builder.Build();
        await host.StartAsync(TestContext.Current.CancellationToken);
        var services = host.Services;

        foreach (var source in new[] { services.GetRequiredService<NpgsqlDataSource>(), services.GetRequiredKeyedService<NpgsqlDataSource>("db") })
        {
            await using var command = source.CreateCommand("select 42");
            Assert.Equal(42, await command.ExecuteScalarAsync(TestContext.Current.CancellationToken));
        }
        await using (var connection = services.GetRequiredKeyedService<NpgsqlConnection>("db"))
            await connection.OpenAsync(TestContext.Current.CancellationToken);
        Assert.Same(services.GetRequiredService<NpgsqlDataSource>(), services.GetRequiredService<DbDataSource>());
        foreach (var multiplexer in new[] { services.GetRequiredService<IConnectionMultiplexer>(), services.GetRequiredKeyedService<IConnectionMultiplexer>("cache") })
            Assert.True(await multiplexer.GetDatabase().PingAsync() > TimeSpan.Zero);
        Assert.NotSame(services.GetRequiredService<IConnectionMultiplexer>(), services.GetRequiredKeyedService<IConnectionMultiplexer>("cache"));

        var report = await services.GetRequiredService<HealthCheckService>().CheckHealthAsync(TestContext.Current.CancellationToken);
        Assert.Equal(["PostgreSql", "PostgreSql_db", "StackExchange.Redis", "StackExchange.Redis_cache"], report.Entries.Keys.Order(StringComparer.Ordinal));
        Assert.Equal(HealthStatus.Healthy, report.Status);
    }

    [Fact]
    public void Settings_come_from_the_section_then_the_named_section_then_the_connection_string_then_the_code()
    {
        var builder = Create(
            ("Aspire:StackExchange:Redis:ConnectionString", "general:1"),
            ("Aspire:StackExchange:Redis:DisableHealthChecks", "true"),
            ("Aspire:StackExchange:Redis:named:ConnectionString", "named:2"),
            ("Aspire:StackExchange:Redis:both:ConnectionString", "named:3"),
            ("ConnectionStrings:both", "connection:4"));

        Assert.Equal("general:1", builder.AddRedisClientBuilder("other").Settings.ConnectionString);
        Assert.Equal("named:2", builder.AddKeyedRedisClientBuilder("named").Settings.ConnectionString);
        var both = builder.AddKeyedRedisClientBuilder("both", settings => settings.ConnectionString += ",ssl=true");
        Assert.Equal(("connection:4,ssl=true", "both", true), (both.Settings.ConnectionString, both.ServiceKey, both.Settings.DisableHealthChecks));
        Assert.Same(builder, both.HostBuilder);
        Assert.Null(builder.AddRedisClientBuilder("other").ServiceKey);
        Assert.DoesNotContain(builder.Services, service => service.ServiceType == typeof(HealthCheckService));
    }

    [Fact]
    public void A_connection_string_that_is_missing_is_told_when_the_client_is_needed()
    {
        var builder = Create();
        builder.AddNpgsqlDataSource("db");
        builder.AddRedisClient("cache");
        using var host = builder.Build();

        Assert.Contains("'ConnectionStrings:db'", Assert.Throws<InvalidOperationException>(() => host.Services.GetRequiredService<NpgsqlDataSource>()).Message);
        Assert.Contains("'ConnectionStrings:cache'", Assert.Throws<InvalidOperationException>(() => host.Services.GetRequiredService<IConnectionMultiplexer>()).Message);
    }

    [Fact]
    public async Task A_redis_that_is_away_does_not_keep_the_host_from_starting_and_shows_in_its_health()
    {
        var builder = Create(("ConnectionStrings:cache", "localhost:1,connectTimeout=100,connectRetry=1"));
        builder.AddRedisClient("cache");
        using var host = builder.Build();

        await host.StartAsync(TestContext.Current.CancellationToken);

        var report = await host.Services.GetRequiredService<HealthCheckService>().CheckHealthAsync(TestContext.Current.CancellationToken);
        Assert.Equal(HealthStatus.Unhealthy, report.Entries["StackExchange.Redis"].Status);
    }

    static HostApplicationBuilder Create(params (string Key, string Value)[] settings)
    {
        var builder = Host.CreateEmptyApplicationBuilder(new());
        builder.Configuration.AddInMemoryCollection(settings.ToDictionary(setting => setting.Key, setting => (string?)setting.Value));
        return builder;
    }
}

using AspireJobs.Jobs;
using AspireJobs.Jobs.ApiKeys;
using AspireJobs.Migrator;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Npgsql;

var builder = Host.CreateApplicationBuilder(args);
builder.AddServiceDefaults();
builder.AddNpgsqlDataSource("jobsdb", configureDataSourceBuilder: JobsDatabase.Configure);
builder.Services.AddSingleton(TimeProvider.System);
builder.Services.AddSingleton<ApiKeyStore>();

using var host = builder.Build();
await host.StartAsync();

var log = host.Services.GetRequiredService<ILoggerFactory>().CreateLogger("Migrator");
foreach (var name in await SchemaMigrator.ApplyAsync(host.Services.GetRequiredService<NpgsqlDataSource>(), CancellationToken.None))
    log.SchemaApplied(name);

const int shortestKey = 16;
var adminApiKey = host.Services.GetRequiredService<IConfiguration>()["AdminApiKey"];
if (adminApiKey is not { Length: >= shortestKey })
{
    log.AdminKeyTooShort(shortestKey);
    await host.StopAsync();
    return 1;
}
await host.Services.GetRequiredService<ApiKeyStore>().SetAsync(ApiKeyStore.Admin, adminApiKey, CancellationToken.None);
log.AdminKeySet();

await host.StopAsync();
return 0;

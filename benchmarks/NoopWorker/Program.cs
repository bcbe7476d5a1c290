using AspireJobs.Jobs;
using AspireJobs.NoopWorker;
using AspireJobs.Worker;
using AspireJobs.Worker.Ansible;
using Microsoft.Extensions.DependencyInjection.Extensions;

// The real worker in everything, except that its playbooks take no time.
var builder = WebApplication.CreateBuilder(args);
builder.AddServiceDefaults();
builder.AddNpgsqlDataSource("jobsdb", configureDataSourceBuilder: JobsDatabase.Configure);
builder.AddRedisClient("redis");
builder.AddJobs();
builder.AddWorker();
builder.Services.Replace(ServiceDescriptor.Singleton<IPlaybookRunner, NoopRunner>());

var app = builder.Build();
app.MapDefaultEndpoints();
app.Run();

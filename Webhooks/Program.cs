using AspireJobs.Jobs;
using AspireJobs.Webhooks;

var builder = WebApplication.CreateBuilder(args);

builder.AddRequestSpans();
builder.AddServiceDefaults();
builder.AddNpgsqlDataSource("jobsdb", configureDataSourceBuilder: JobsDatabase.Configure);
builder.AddRedisClient("redis");
builder.AddJobs();
builder.AddWebhooks();

var app = builder.Build();

app.MapDefaultEndpoints();

app.Run();

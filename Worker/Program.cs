using AspireJobs.Jobs;
using AspireJobs.Worker;

var builder = WebApplication.CreateBuilder(args);
builder.AddServiceDefaults();
builder.AddNpgsqlDataSource("jobsdb", configureDataSourceBuilder: JobsDatabase.Configure);
builder.AddRedisClient("redis");
builder.AddJobs();
builder.AddWorker();

var app = builder.Build();
app.MapDefaultEndpoints();
app.Run();

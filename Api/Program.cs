using System.Text;
using AspireJobs.Api;
using AspireJobs.Api.ApiKeys;
using AspireJobs.Api.Credentials;
using AspireJobs.Api.Http;
using AspireJobs.Api.Jobs;
using AspireJobs.Api.Queues;
using AspireJobs.Api.Schedules;
using AspireJobs.Api.Workers;
using AspireJobs.Jobs;

var builder = WebApplication.CreateBuilder(args);
builder.AddServiceDefaults();
builder.AddNpgsqlDataSource("jobsdb", configureDataSourceBuilder: JobsDatabase.Configure);
// Not part of this service's health: without Redis jobs are accepted all the same, and wait.
builder.AddRedisClient("redis", settings => settings.DisableHealthChecks = true);
builder.AddJobs();

builder.WebHost.ConfigureKestrel(kestrel =>
{
    kestrel.Limits.MaxRequestBodySize = Limits.ReadBytes;
    // A context that is no text must not fail the request: it is read as far as that and then found to be none.
    kestrel.RequestHeaderEncodingSelector = name =>
        name.StartsWith("trace", StringComparison.OrdinalIgnoreCase) || name.Equals("baggage", StringComparison.OrdinalIgnoreCase) ? Encoding.Latin1 : null;
});
builder.Services.ConfigureHttpJsonOptions(json =>
{
    JobsJson.Apply(json.SerializerOptions);
    json.SerializerOptions.TypeInfoResolverChain.Insert(0, ApiJson.Default);
});
builder.Services.AddSingleton<IProblemDetailsWriter, ProblemWriter>();
builder.Services.AddProblemDetails();
builder.Services.AddApiKeyAuthentication();
builder.Services.AddAuthorization();
builder.Services.AddSingleton<JobSubmission>();
builder.Services.AddSingleton<JobReruns>();
builder.Services.AddSingleton<JobCancellation>();
builder.Services.AddSingleton<JobLog>();
builder.Services.AddHostedService<ClusterGauges>();

var app = builder.Build();
app.UseMiddleware<RequestMetrics>();
app.UseExceptionHandler(new ExceptionHandlerOptions { StatusCodeSelector = Problems.StatusOf });
app.UseStatusCodePages();
app.UseAuthentication();
app.UseAuthorization();
app.MapDefaultEndpoints();
app.MapMetricsTargets();

var api = app.MapGroup("/api/v1").RequireAuthorization().AnswerHead().AddEndpointFilter(new BodyFilter()).AddEndpointFilter(new ReadFilter());
api.MapJobs();
api.MapCredentials();
api.MapApiKeys();
api.MapSchedules();
api.MapQueues();
api.MapWorkers();

app.Run();

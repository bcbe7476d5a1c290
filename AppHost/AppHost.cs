var builder = DistributedApplication.CreateBuilder(args);

var adminApiKey = builder.AddParameter("admin-api-key", new GenerateParameterDefault { MinLength = 32, Special = false }, secret: true, persist: true);
var masterKey = builder.AddParameter("credential-master-key", new GenerateParameterDefault { MinLength = 44, Special = false }, secret: true, persist: true);

// Without a volume: nothing in it is worth keeping (docs/decisions/0002-postgres-is-the-truth.md).
var redis = builder.AddRedis("redis");

var jobsDb = builder.AddPostgres("postgres")
    .WithDataVolume()
    .AddDatabase("jobsdb");

var migrator = builder.AddProject<Projects.Migrator>("migrator")
    .WithReference(jobsDb)
    .WaitFor(jobsDb)
    .WithEnvironment("AdminApiKey", adminApiKey);

var api = builder.AddProject<Projects.Api>("api")
    .WithReference(jobsDb)
    .WithReference(redis)
    .WaitFor(redis)
    .WaitForCompletion(migrator)
    .WithEnvironment("Credentials__MasterKey", masterKey)
    .WithHttpHealthCheck("/health")
    .WithExternalHttpEndpoints();

builder.AddProject<Projects.Worker>("worker")
    .WithReplicas(2)
    .WithHttpEndpoint()
    .WithReference(jobsDb)
    .WithReference(redis)
    .WaitFor(redis)
    .WaitForCompletion(migrator)
    .WithEnvironment("Credentials__MasterKey", masterKey)
    .WithHttpHealthCheck("/health");

builder.AddProject<Projects.Webhooks>("webhooks")
    .WithHttpEndpoint()
    .WithReference(jobsDb)
    .WithReference(redis)
    .WaitFor(redis)
    .WaitForCompletion(migrator)
    .WithEnvironment("Credentials__MasterKey", masterKey)
    .WithHttpHealthCheck("/health");

builder.AddObservability(api);

builder.Build().Run();

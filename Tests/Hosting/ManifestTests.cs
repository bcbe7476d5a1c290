using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Publishing;

namespace AspireJobs.Tests.Hosting;

/// <summary>What each kind of resource is in a deployment manifest.</summary>
public sealed class ManifestTests
{
    [Fact]
    public async Task A_container()
    {
        var manifest = await Manifests.WriteAsync(builder => builder.AddContainer("search", "example/search", "7.1")
            .WithImageRegistry("registry.example")
            .WithEntrypoint("/bin/search")
            .WithArgs("--level", "info")
            .WithVolume("index", "/index")
            .WithVolume("/scratch")
            .WithEnvironment("MODE", "fast")
            .WithHttpEndpoint(port: 9000, targetPort: 9200)
            .WithEndpoint(targetPort: 9300, name: "peers"));

        Manifests.AssertResource("""
            {
              "type": "container.v0",
              "image": "registry.example/example/search:7.1",
              "entrypoint": "/bin/search",
              "args": ["--level", "info"],
              "volumes": [
                { "name": "index", "target": "/index", "readOnly": false },
                { "target": "/scratch", "readOnly": false }
              ],
              "env": { "MODE": "fast" },
              "bindings": {
                "http": { "scheme": "http", "protocol": "tcp", "transport": "http", "port": 9000, "targetPort": 9200 },
                "peers": { "scheme": "tcp", "protocol": "tcp", "transport": "tcp", "targetPort": 9300 }
              }
            }
            """, manifest, "search");
    }

    [Theory]
    [InlineData("redis", "redis:latest")]
    [InlineData("docker.io/library/redis:8.6", "docker.io/library/redis:8.6")]
    [InlineData("localhost:5000/team/app", "localhost:5000/team/app:latest")]
    [InlineData("team/app@sha256:0123", "team/app@sha256:0123")]
    public async Task An_image_reference_is_kept_as_it_is(string reference, string expected)
    {
        var manifest = await Manifests.WriteAsync(builder => builder.AddContainer("app", reference));

        Assert.Equal(expected, (string?)manifest["app"]!["image"]);
    }

    [Fact]
    public async Task An_executable_and_its_container()
    {
        var manifest = await Manifests.WriteAsync(builder =>
        {
            builder.AddExecutable("tool", "tool", ".", "--fast").WithEnvironment("A", "b");
            builder.AddExecutable("site", "npm", ".", "start").WithHttpEndpoint(targetPort: 3000).PublishAsDockerFile();
        });

        Assert.Equal(["type", "workingDirectory", "command", "args", "env"], manifest["tool"]!.AsObject().Select(property => property.Key));
        Assert.Equal("executable.v0", (string?)manifest["tool"]!["type"]);
        Assert.Equal("container.v1", (string?)manifest["site"]!["type"]);
        Assert.EndsWith("/Dockerfile", (string?)manifest["site"]!["build"]!["dockerfile"], StringComparison.Ordinal);
        Assert.Null(manifest["site"]!["args"]);
        Assert.Equal(["tool", "site"], manifest.Select(resource => resource.Key));
    }

    [Fact]
    public async Task Parameters_and_connection_strings()
    {
        var manifest = await Manifests.WriteAsync(builder =>
        {
            builder.AddParameter("region");
            builder.AddParameter("size", "small", publishValueAsDefault: true);
            builder.AddParameter("hidden", "small");
            builder.AddParameter("token", new GenerateParameterDefault { MinLength = 10, Upper = false, MinNumeric = 2 }, secret: true);
            builder.AddConnectionString("legacy");
            var host = builder.AddParameter("host");
            builder.AddConnectionString("built", ReferenceExpression.Create($"Host={host};Mode=ro"));
        });

        Manifests.AssertResource("""{ "type": "parameter.v0", "value": "{region.inputs.value}", "inputs": { "value": { "type": "string" } } }""", manifest, "region");
        Manifests.AssertResource("""{ "type": "parameter.v0", "value": "{size.inputs.value}", "inputs": { "value": { "type": "string", "default": { "value": "small" } } } }""", manifest, "size");
        Manifests.AssertResource("""{ "type": "parameter.v0", "value": "{hidden.inputs.value}", "inputs": { "value": { "type": "string" } } }""", manifest, "hidden");
        Manifests.AssertResource("""
            { "type": "parameter.v0", "value": "{token.inputs.value}", "inputs": { "value": { "type": "string", "secret": true,
              "default": { "generate": { "minLength": 10, "upper": false, "minNumeric": 2 } } } } }
            """, manifest, "token");
        Manifests.AssertResource("""
            { "type": "parameter.v0", "connectionString": "{legacy.value}", "value": "{legacy.inputs.value}", "inputs": { "value": { "type": "string", "secret": true } } }
            """, manifest, "legacy");
        Manifests.AssertResource("""{ "type": "value.v0", "connectionString": "Host={host.value};Mode=ro" }""", manifest, "built");
    }

    [Theory]
    [InlineData("redis", "d148d83a")]
    [InlineData("rediscontainer", "c16dc063")]
    [InlineData("basketcache", "8c2280ff")]
    public async Task A_conditional_is_named_by_the_hash_of_its_parts(string name, string hash)
    {
        var manifest = await Manifests.WriteAsync(builder => builder.AddRedis(name));

        Manifests.AssertResource("""{ "type": "value.v0", "connectionString": "" }""", manifest, $"cond-{name}-bindings-tcp-tlsenabled-{hash}");
    }

    [Fact]
    public async Task What_is_excluded_or_written_by_hand()
    {
        var manifest = await Manifests.WriteAsync(builder =>
        {
            builder.AddContainer("local-only", "x").ExcludeFromManifest();
            builder.AddContainer("custom", "x").WithManifestPublishingCallback(context => context.Writer.WriteString("type", "custom.v0"));
            builder.AddResource(new Unknown("unknown"));
        });

        Assert.Equal(["custom", "unknown"], manifest.Select(resource => resource.Key));
        Manifests.AssertResource("""{ "type": "custom.v0" }""", manifest, "custom");
        Manifests.AssertResource("""{ "error": "This resource does not support generation in the manifest." }""", manifest, "unknown");
    }

    [Fact]
    public async Task References_are_expressions_and_need_no_value()
    {
        var manifest = await Manifests.WriteAsync(builder =>
        {
            var secret = builder.AddParameter("secret", secret: true);
            var database = builder.AddPostgres("pg", password: secret).AddDatabase("db", "The Database");
            var target = builder.AddContainer("target", "x").WithHttpEndpoint(targetPort: 80);
            builder.AddContainer("app", "x")
                .WithReference(database, connectionName: "main")
                .WithReference(target.GetEndpoint("http"))
                .WithEnvironment("ADDRESS", target.GetEndpoint("http"))
                .WithEnvironment("MIXED", $"http://{target.GetEndpoint("http").Property(EndpointProperty.HostAndPort)}/?key={secret:uri}");
        });

        Manifests.AssertResource("""
            {
              "ConnectionStrings__main": "{db.connectionString}",
              "MAIN_HOST": "{pg.bindings.tcp.host}",
              "MAIN_PORT": "{pg.bindings.tcp.port}",
              "MAIN_USERNAME": "postgres",
              "MAIN_PASSWORD": "{secret.value}",
              "MAIN_URI": "postgresql://postgres:{secret-uri-encoded.value}@{pg.bindings.tcp.host}:{pg.bindings.tcp.port}/The%20Database",
              "MAIN_JDBCCONNECTIONSTRING": "jdbc:postgresql://{pg.bindings.tcp.host}:{pg.bindings.tcp.port}/The%20Database",
              "MAIN_DATABASENAME": "The Database",
              "TARGET_HTTP": "{target.bindings.http.url}",
              "services__target__http__0": "{target.bindings.http.url}",
              "ADDRESS": "{target.bindings.http.url}",
              "MIXED": "http://{target.bindings.http.host}:{target.bindings.http.port}/?key={secret-uri-encoded.value}"
            }
            """, manifest["app"]!.AsObject(), "env");
        Manifests.AssertResource("""{ "type": "annotated.string", "value": "{secret.value}", "filter": "uri" }""", manifest, "secret-uri-encoded");
    }

    [Fact]
    public async Task Events_come_before_and_after()
    {
        var events = new List<string>();

        await Manifests.WriteAsync(builder => builder
            .OnBeforeStart((e, _) => Note(e.Model))
            .OnBeforePublish((BeforePublishEvent e, CancellationToken _) => Note(e.Model, "before publish"))
            .OnAfterPublish((AfterPublishEvent e, CancellationToken _) => Note(e.Model, "after publish")));

        Assert.Equal(["before start", "before publish", "after publish"], events);

        Task Note(DistributedApplicationModel model, string name = "before start")
        {
            Assert.Empty(model.Resources);
            events.Add(name);
            return Task.CompletedTask;
        }
    }

    sealed class Unknown(string name) : Resource(name);
}

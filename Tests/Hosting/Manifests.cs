using System.Text.Json.Nodes;
using Aspire.Hosting;
using Aspire.Hosting.Testing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace AspireJobs.Tests.Hosting;

/// <summary>The manifest of an application that a test puts together.</summary>
static class Manifests
{
    public static async Task<JsonObject> WriteAsync(Action<IDistributedApplicationBuilder> compose)
    {
        var directory = Directory.CreateTempSubdirectory("aspirejobs-test-");
        try
        {
            var path = Path.Combine(directory.FullName, "manifest.json");
            await using var builder = DistributedApplicationTestingBuilder.Create("--publisher", "manifest", "--output-path", path);
            builder.Services.AddLogging(logging => logging.ClearProviders());
            compose(builder);
            await using var app = await builder.BuildAsync(TestContext.Current.CancellationToken);
            await app.RunAsync(TestContext.Current.CancellationToken);
            return (JsonObject)JsonNode.Parse(await File.ReadAllTextAsync(path))!["resources"]!;
        }
        finally
        {
            directory.Delete(recursive: true);
        }
    }

    public static void AssertResource(string expected, JsonObject manifest, string name)
    {
        // As text, because the order of the properties counts.
        var actual = Assert.Contains(name, (IDictionary<string, JsonNode?>)manifest)!;
        Assert.Equal(JsonNode.Parse(expected)!.ToJsonString(), actual.ToJsonString());
    }
}

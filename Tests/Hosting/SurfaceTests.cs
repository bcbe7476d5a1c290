using System.Reflection;
using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Testing;
using AspireJobs.Tests.Infrastructure;
using Microsoft.Extensions.Hosting;

namespace AspireJobs.Tests.Hosting;

/// <summary>
/// The committed list is the part of Aspire's public surface that may be used here, as the documentation of Aspire 13.5 has it.
/// With Microsoft's packages it must exist; with the stand-ins nothing else may.
/// </summary>
public sealed class SurfaceTests
{
    static readonly Assembly[] Assemblies =
    [
        typeof(DistributedApplication).Assembly,
        typeof(RedisResource).Assembly,
        typeof(PostgresServerResource).Assembly,
        typeof(DistributedApplicationTestingBuilder).Assembly,
        typeof(AspireRedisExtensions).Assembly,
        typeof(AspirePostgreSqlNpgsqlExtensions).Assembly,
    ];

    [Fact]
    public async Task Everything_public_is_on_the_list_and_everything_on_the_list_is_public()
    {
        var listed = (await File.ReadAllLinesAsync(Repository.Path("Tests/Hosting/surface.txt"))).Where(line => line.Length > 0).ToHashSet();
        var present = Assemblies.SelectMany(PublicSurface.Of).ToHashSet();

        Assert.Equal([], listed.Except(present).Order(StringComparer.Ordinal));
        if (Assemblies[0].GetName().Name != "Aspire.Hosting")
            Assert.Equal([], present.Except(listed).Order(StringComparer.Ordinal));
    }
}

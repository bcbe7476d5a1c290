namespace AspireJobs.Tests.Hosting;
public sealed class Dump
{
    [Fact]
    public async Task Write() => await File.WriteAllLinesAsync("/tmp/hosting-surface.txt", SurfaceTests.Assemblies.SelectMany(PublicSurface.Of).Distinct().Order(StringComparer.Ordinal));
}

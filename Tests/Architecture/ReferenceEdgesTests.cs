using System.Xml.Linq;
using AspireJobs.Tests.Infrastructure;

namespace AspireJobs.Tests.Architecture;

/// <summary>Who may know whom. The services meet in Postgres, in Redis and over HTTP, never in code.</summary>
public sealed class ReferenceEdgesTests
{
    static readonly Dictionary<string, string[]> Allowed = new()
    {
        ["Jobs"] = [],
        ["ServiceDefaults"] = [],
        ["Api"] = ["Jobs", "ServiceDefaults"],
        ["Worker"] = ["Jobs", "ServiceDefaults"],
        ["Webhooks"] = ["Jobs", "ServiceDefaults"],
        ["Migrator"] = ["Jobs", "ServiceDefaults"],
        ["AppHost"] = ["Api", "Migrator", "Webhooks", "Worker"],
        ["Benchmarks"] = ["AppHost", "NoopWorker"],
        ["NoopWorker"] = ["Jobs", "ServiceDefaults", "Worker"],
        ["Tests"] = ["Api", "AppHost", "Benchmarks", "Jobs", "Webhooks", "Worker"],
    };

    public static TheoryData<string> Projects => [.. Allowed.Keys];

    [Theory]
    [MemberData(nameof(Projects))]
    public void A_project_refers_only_to_the_projects_it_may_know(string project)
    {
        var file = Directory.EnumerateFiles(Repository.Root, $"{project}.csproj", SearchOption.AllDirectories).Single();
        var references = XDocument.Load(file).Descendants("ProjectReference")
            .Select(reference => Path.GetFileNameWithoutExtension(reference.Attribute("Include")!.Value));

        Assert.Equal(Allowed[project], references.Order());
    }

    [Fact]
    public void Only_the_two_build_files_at_the_root_know_the_stand_ins()
    {
        var knowing = Directory.EnumerateFiles(Repository.Root, "*.*", SearchOption.AllDirectories)
            .Where(file => Path.GetExtension(file) is ".cs" or ".csproj" or ".props" or ".targets")
            .Select(file => Path.GetRelativePath(Repository.Root, file))
            .Where(file => !file.Split(Path.DirectorySeparatorChar).Any(folder => folder is "bin" or "obj" or "LocalAspire"))
            .Where(file => file != Path.Combine("Tests", "Architecture", "ReferenceEdgesTests.cs"))
            .Where(file => File.ReadAllText(Repository.Path(file)).Contains("LocalAspire", StringComparison.Ordinal));

        Assert.Equal(["Directory.Build.props", "Directory.Build.targets"], knowing.Order());
    }

    [Fact]
    public void No_project_pins_a_version_of_its_own()
    {
        var pinned = Directory.EnumerateFiles(Repository.Root, "*.csproj", SearchOption.AllDirectories)
            .Where(file => XDocument.Load(file).Descendants("PackageReference").Any(reference => reference.Attribute("Version") is not null));

        Assert.Empty(pinned);
    }
}

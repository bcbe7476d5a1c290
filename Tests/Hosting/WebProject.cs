namespace AspireJobs.Tests.Hosting;

/// <summary>The directory of a web project that is never built: its settings, and its launch profile if it has one.</summary>
sealed class WebProject : IDisposable
{
    readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("aspirejobs-test-");

    public WebProject(string settings, string? launchSettings = null)
    {
        Path = Write("Web.csproj", """<Project Sdk="Microsoft.NET.Sdk.Web" />""");
        Write("appsettings.json", settings);
        if (launchSettings is null)
            return;
        _directory.CreateSubdirectory("Properties");
        Write("Properties/launchSettings.json", launchSettings);
    }

    /// <summary>The project file.</summary>
    public string Path { get; }

    public void Dispose() => _directory.Delete(recursive: true);

    string Write(string name, string content)
    {
        var path = System.IO.Path.Combine(_directory.FullName, name);
        File.WriteAllText(path, content);
        return path;
    }
}

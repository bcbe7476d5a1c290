using Aspire.Hosting;
using Microsoft.Extensions.Configuration;

namespace LocalAspire;

/// <summary>The launch profile that a project runs with.</summary>
sealed record SelectedProfile(string Name, LaunchProfile Profile)
{
    /// <exception cref="DistributedApplicationException">The project has no profile of the wanted name.</exception>
    public static SelectedProfile? Choose(IConfiguration configuration, string resourceName, IProjectMetadata project, string? wanted)
    {
        if (!File.Exists(project.ProjectPath))
            throw new DistributedApplicationException($"The project file '{project.ProjectPath}' of the resource '{resourceName}' does not exist. Rebuild the AppHost, or correct the path.");

        var profiles = LaunchSettings.Of(project)?.Profiles;
        if (wanted is not null)
        {
            return profiles is not null && profiles.TryGetValue(wanted, out var named)
                ? new(wanted, named)
                : throw new DistributedApplicationException($"The project of the resource '{resourceName}' has no launch profile named '{wanted}'.");
        }

        var own = configuration["AppHost:DefaultLaunchProfileName"] ?? configuration["DOTNET_LAUNCH_PROFILE"];
        if (own is not null && profiles is not null && profiles.TryGetValue(own, out var same))
            return new(own, same);

        return profiles?.Where(p => p.Value.IsRunnable).Select(p => new SelectedProfile(p.Key, p.Value)).FirstOrDefault();
    }
}

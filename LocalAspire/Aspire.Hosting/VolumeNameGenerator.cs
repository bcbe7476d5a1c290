using Aspire.Hosting.ApplicationModel;

namespace Aspire.Hosting;

public static class VolumeNameGenerator
{
    /// <summary>A name that no other AppHost's volume has: <c>{application}-{hash of the AppHost}-{resource}-{suffix}</c>.</summary>
    /// <exception cref="ArgumentException">The suffix has characters that the name of a volume cannot have.</exception>
    public static string Generate<T>(IResourceBuilder<T> builder, string suffix)
        where T : IResource
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentNullException.ThrowIfNull(suffix);
        if (!suffix.All(IsAllowed))
            throw new ArgumentException($"The suffix '{suffix}' contains invalid characters. Only [a-zA-Z0-9_.-] are allowed.", nameof(suffix));

        var application = string.Concat(builder.ApplicationBuilder.Environment.ApplicationName.Select(c => IsAllowed(c) ? c : '_'));
        var hash = builder.ApplicationBuilder.Configuration["AppHost:Sha256"]![..10];
        return $"{application}-{hash}".ToLowerInvariant() + $"-{builder.Resource.Name}-{suffix}";
    }

    static bool IsAllowed(char c) => char.IsAsciiLetterOrDigit(c) || c is '_' or '.' or '-';
}

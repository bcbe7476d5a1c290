using Aspire.Hosting.ApplicationModel;
using LocalAspire;

namespace Aspire.Hosting;

public static class RequiredCommandResourceExtensions
{
    /// <summary>Warns in the log of the resource when a program that it needs is not there. The resource is started all the same.</summary>
    /// <param name="builder">The resource.</param>
    /// <param name="command">A name that is looked up on PATH, or a path.</param>
    /// <param name="helpLink">Where to read how to install it.</param>
    public static IResourceBuilder<T> WithRequiredCommand<T>(this IResourceBuilder<T> builder, string command, string? helpLink = null)
        where T : IResource
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentNullException.ThrowIfNull(command);
        return builder.WithAnnotation(new ProgramAnnotation(command, helpLink));
    }
}

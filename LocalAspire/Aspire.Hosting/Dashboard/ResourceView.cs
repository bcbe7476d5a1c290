using System.Globalization;
using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;

namespace LocalAspire.Dashboard;

/// <summary>A resource instance as the dashboard is told of it. Secrets are left out; they are asked for one by one.</summary>
sealed record ResourceView(
    string Id, string Name, string Type, string? State, string? StateStyle, string? Health, int? ExitCode, bool Hidden, string? Parent,
    double? CreatedAt, double? StartedAt, double? StoppedAt, string? Source, string? SourceFull,
    IEnumerable<UrlView> Urls, IEnumerable<ValueView> Environment, IEnumerable<ValueView> Properties, IEnumerable<VolumeView> Volumes,
    IEnumerable<HealthView> HealthReports, IEnumerable<CommandView> Commands, IEnumerable<RelationshipView> Relationships)
{
    /// <summary>The property that holds the value of a parameter.</summary>
    public const string ParameterValue = "Value";

    public static ResourceView Of(ResourceEvent change, SecretValues secrets)
    {
        var (resource, snapshot) = (change.Resource, change.Snapshot);
        var (source, sourceFull) = SourceOf(resource);
        return new(
            change.ResourceId, resource.Name, TypeOf(resource, snapshot), snapshot.State?.Text, snapshot.State?.Style, snapshot.HealthStatus?.ToString(), snapshot.ExitCode,
            snapshot.IsHidden, (resource as IResourceWithParent)?.Parent.Name, Milliseconds(snapshot.CreationTimeStamp), Milliseconds(snapshot.StartTimeStamp), Milliseconds(snapshot.StopTimeStamp), source, sourceFull,
            snapshot.Urls.Select(url => new UrlView(url.Name, url.DisplayProperties.DisplayName is { Length: > 0 } text ? text : url.Url, url.Url, url.IsInternal, url.IsInactive)),
            snapshot.EnvironmentVariables.OrderBy(variable => variable.Name, StringComparer.Ordinal).Select(variable => ValueView.Of(variable.Name, variable.Value, secrets)),
            resource is ParameterResource parameter
                ? [new ValueView(ParameterValue, parameter.Secret ? null : SecretValues.Value(parameter), parameter.Secret)]
                : snapshot.Properties.Select(property => property.IsSensitive ? new(property.Name, null, true) : ValueView.Of(property.Name, Text(property.Value), secrets)),
            snapshot.Volumes.Select(volume => new VolumeView(volume.Source, volume.Target, volume.IsReadOnly)),
            snapshot.HealthReports.Select(report => new HealthView(report.Name, report.Status?.ToString(), report.Description, report.ExceptionText, Milliseconds(report.LastRunAt))),
            snapshot.Commands.Where(command => command.State != ResourceCommandState.Hidden && command.Visibility.HasFlag(ResourceCommandVisibility.UI)).Select(command => new CommandView(
                command.Name, command.DisplayName, command.DisplayDescription, command.State.ToString(), command.ConfirmationMessage, command.IconName, command.IsHighlighted)),
            snapshot.Relationships.Select(relationship => new RelationshipView(relationship.ResourceName, relationship.Type)));
    }

    public static string? Text(object? value) => value switch
    {
        null => null,
        string text => text,
        System.Collections.IEnumerable list => string.Join(' ', list.Cast<object>()),
        _ => Convert.ToString(value, CultureInfo.InvariantCulture),
    };

    // Since 1970, as browsers count.
    static double? Milliseconds(DateTime? time) => time is { } utc ? (utc - DateTime.UnixEpoch).TotalMilliseconds : null;

    static string TypeOf(IResource resource, CustomResourceSnapshot snapshot) => resource switch
    {
        ProjectResource => "Project",
        ExecutableResource => "Executable",
        ParameterResource => "Parameter",
        _ => snapshot.ResourceType,
    };

    static (string? Short, string? Full) SourceOf(IResource resource)
    {
        var full = resource switch
        {
            ProjectResource project => project.Annotations.OfType<IProjectMetadata>().LastOrDefault()?.ProjectPath,
            ExecutableResource executable => executable.Command,
            _ when resource.TryGetLastAnnotation<ContainerImageAnnotation>(out var image) => $"{image.Image}:{image.Tag}",
            _ => null,
        };
        return (resource is ProjectResource ? Path.GetFileName(full) : full, full);
    }
}

sealed record UrlView(string? Name, string Text, string Url, bool Internal, bool Inactive);

/// <param name="Name">Of a variable or property.</param>
/// <param name="Value">Null for a secret.</param>
/// <param name="Secret">Whether the value is there, but not told unasked.</param>
sealed record ValueView(string Name, string? Value, bool Secret)
{
    public static ValueView Of(string name, string? value, SecretValues secrets) => secrets.IsSecret(name, value) ? new(name, null, true) : new(name, value, false);
}

sealed record VolumeView(string? Source, string Target, bool ReadOnly);

sealed record HealthView(string Name, string? Status, string? Description, string? Exception, double? LastRun);

sealed record CommandView(string Name, string DisplayName, string? Description, string State, string? Confirmation, string? Icon, bool Highlighted);

sealed record RelationshipView(string Resource, string Type);

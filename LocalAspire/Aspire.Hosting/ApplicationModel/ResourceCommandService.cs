using LocalAspire;
using Microsoft.Extensions.Logging;

namespace Aspire.Hosting.ApplicationModel;

/// <summary>Gives commands to resources.</summary>
public class ResourceCommandService
{
    readonly ResourceNotificationService _notifications;
    readonly ResourceLoggerService _logs;
    readonly IServiceProvider _services;

    internal ResourceCommandService(ResourceNotificationService notifications, ResourceLoggerService logs, IServiceProvider services) =>
        (_notifications, _logs, _services) = (notifications, logs, services);

    /// <summary>Gives the command to one instance, found by its id, or by the name of a resource that has one instance.</summary>
    /// <returns>A failure names what is missing; the service does not throw.</returns>
    public Task<ExecuteCommandResult> ExecuteCommandAsync(string resourceId, string commandName, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(resourceId);
        ArgumentNullException.ThrowIfNull(commandName);
        return _notifications.TryGetCurrentState(resourceId, out var current)
            ? ExecuteAsync(current.Resource, current.ResourceId, commandName, cancellationToken)
            : Task.FromResult(CommandResults.Failure($"Resource '{resourceId}' not found."));
    }

    /// <summary>Gives the command to every instance at once.</summary>
    public async Task<ExecuteCommandResult> ExecuteCommandAsync(IResource resource, string commandName, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(resource);
        ArgumentNullException.ThrowIfNull(commandName);
        var results = await Task.WhenAll(ResourceInstance.NamesOf(resource).Select(async name =>
            (Name: name, Result: await ExecuteAsync(resource, name, commandName, cancellationToken))));
        if (results.Length == 1)
            return results[0].Result;

        var failures = results.Where(r => !r.Result.Success).ToArray();
        if (failures.Length == 0)
            return CommandResults.Success();
        return failures.Any(f => !f.Result.Canceled)
            ? CommandResults.Failure($"{failures.Length} of {results.Length} command executions failed: " + string.Join("; ", failures.Select(f => $"{f.Name}: {f.Result.Message}")))
            : CommandResults.Canceled();
    }

    async Task<ExecuteCommandResult> ExecuteAsync(IResource resource, string instance, string commandName, CancellationToken cancellationToken)
    {
        var command = resource.Annotations.OfType<ResourceCommandAnnotation>().LastOrDefault(a => a.Name == commandName);
        if (command is null)
            return CommandResults.Failure($"Command '{commandName}' not available for resource '{instance}'.");

        var log = _logs.GetLogger(instance);
        CommandLog.Executing(log, commandName);
        try
        {
            var result = await command.ExecuteCommand(new() { Services = _services, ResourceName = instance, CancellationToken = cancellationToken, Logger = log });
            if (result.Success)
                CommandLog.Succeeded(log, commandName);
            else
                CommandLog.Failed(log, commandName, result.Message);
            return result;
        }
        catch (OperationCanceledException)
        {
            return CommandResults.Canceled();
        }
        catch (Exception e)
        {
            CommandLog.Threw(log, commandName, e);
            return CommandResults.Failure(e);
        }
    }
}

static partial class CommandLog
{
    [LoggerMessage(1, LogLevel.Information, "Executing command '{Command}'.")]
    public static partial void Executing(ILogger logger, string command);

    [LoggerMessage(2, LogLevel.Information, "Successfully executed command '{Command}'.")]
    public static partial void Succeeded(ILogger logger, string command);

    [LoggerMessage(3, LogLevel.Information, "Failure executing command '{Command}': {Reason}")]
    public static partial void Failed(ILogger logger, string command, string? reason);

    [LoggerMessage(4, LogLevel.Error, "Error executing command '{Command}'.")]
    public static partial void Threw(ILogger logger, string command, Exception exception);
}

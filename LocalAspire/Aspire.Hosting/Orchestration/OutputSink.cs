using System.Collections.Concurrent;
using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;
using Microsoft.Extensions.Logging;

namespace LocalAspire;

/// <summary>Shows what the resources write: on the AppHost's console, or in its log where that is asked for, as in tests.</summary>
sealed class OutputSink(DistributedApplicationOptions options, AppHostLocation appHost, DistributedApplicationModel model, ILoggerFactory loggers)
{
    readonly ConcurrentDictionary<string, ILogger> _loggers = new();

    public void Write(string instance, string line, bool isError)
    {
        if (!options.EnableResourceLogging)
        {
            Console.Out.WriteLine($"{instance} | {line}");
            return;
        }

        var logger = _loggers.GetOrAdd(instance, LoggerOf);
        if (isError)
            OrchestratorLog.ErrorOutput(logger, line);
        else
            OrchestratorLog.Output(logger, line);
    }

    ILogger LoggerOf(string instance)
    {
        var resource = model.Resources.FirstOrDefault(r => ResourceInstance.NamesOf(r).Contains(instance))?.Name ?? instance;
        return loggers.CreateLogger($"{appHost.Assembly?.GetName().Name ?? "AppHost"}.Resources.{resource}");
    }
}

using System.Reflection;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Logging.Console;

namespace AspireJobs.ServiceDefaults;

static class JsonLogs
{
    static int crashesAreLogged;

    /// <summary>Makes standard output one JSON object a line, from here to the end of the process.</summary>
    public static void AddJsonLogs(this IHostApplicationBuilder builder)
    {
        var identity = ServiceIdentity.Of(builder);
        builder.Services.AddSingleton(identity);
        builder.Logging.AddConsole();
        builder.Logging.AddConsoleFormatter<JsonLogFormatter, ConsoleFormatterOptions>();

        // After the configuration, because Aspire's AppHost asks every child for the formatter "simple".
        builder.Services.PostConfigure<ConsoleLoggerOptions>(options =>
        {
            options.FormatterName = JsonLogFormatter.FormatterName;
            // A reader that stops reading must not stop requests. Beyond the queue lines are dropped, and the logger says on standard
            // error how many. The queue is long enough for bursts.
            options.QueueFullMode = ConsoleLoggerQueueFullMode.DropWrite;
            options.MaxQueueLength = 10_000;
        });

        // Only in a process that is this service: in a test host the process is not ours.
        if (Assembly.GetEntryAssembly()?.GetName().Name == builder.Environment.ApplicationName && Interlocked.Exchange(ref crashesAreLogged, 1) == 0)
            AppDomain.CurrentDomain.UnhandledException += (_, crash) => LogCrash(new JsonLogFormatter(identity), crash);
    }

    // Whatever ends the process outside the host, a wrong setting found in Program.cs for one, would otherwise leave as a stack trace
    // of many lines on standard error.
    static void LogCrash(JsonLogFormatter formatter, UnhandledExceptionEventArgs crash)
    {
        var exception = crash.ExceptionObject as Exception;
        var entry = new LogEntry<string>(LogLevel.Critical, "AspireJobs.ServiceDefaults", new EventId(0, "unhandled_exception"),
            exception?.Message ?? "A foreign exception ended the process.", exception, (state, _) => state);
        formatter.Write(entry, scopeProvider: null, Console.Out);
        Console.Out.Flush();
        Environment.Exit(1);
    }
}

using System.Reflection;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace AspireJobs.ServiceDefaults;

static class JsonLogs
{
    static int crashesAreLogged;
    static volatile JsonLogProvider? lines;

    // Nobody may read standard output, and the process is to end all the same.
    static readonly TimeSpan LastLine = TimeSpan.FromSeconds(2);

    /// <summary>
    /// Makes standard output one JSON object a line, from here to the end of the process; with <c>Logging:Format=ecs</c> by the Elastic
    /// Common Schema.
    /// </summary>
    public static void AddJsonLogs(this IHostApplicationBuilder builder)
    {
        var identity = ServiceIdentity.Of(builder);
        var formatter = new JsonLogFormatter(identity, LogKeys.Default);
        // Only in a process that is this service: in a test host the process is not ours.
        if (Assembly.GetEntryAssembly()?.GetName().Name == builder.Environment.ApplicationName && Interlocked.Exchange(ref crashesAreLogged, 1) == 0)
            AppDomain.CurrentDomain.UnhandledException += (_, crash) => LogCrash(formatter, crash);

        formatter = new JsonLogFormatter(identity, LogKeys.Of(builder.Configuration["Logging:Format"]));
        builder.Logging.ClearProviders();
        // Through a factory, so that the container disposes it, which writes the last lines.
        builder.Services.AddSingleton<ILoggerProvider>(_ => lines = new JsonLogProvider(formatter, Console.OpenStandardOutput()));
    }

    // Whatever ends the process outside the host, a wrong setting found in Program.cs for one, would otherwise leave as a stack trace
    // of many lines on standard error.
    static void LogCrash(JsonLogFormatter formatter, UnhandledExceptionEventArgs crash)
    {
        // What led there may still wait to be written.
        lines?.Dispose();
        var exception = crash.ExceptionObject as Exception;
        var entry = new LogEntry<string>(LogLevel.Critical, "AspireJobs.ServiceDefaults", new EventId(0, "unhandled_exception"),
            exception?.Message ?? "A foreign exception ended the process.", exception, (state, _) => state);
        var line = formatter.Format(entry).ToArray();
        var writer = new Thread(() => Write(line)) { IsBackground = true };
        writer.Start();
        writer.Join(LastLine);
        Environment.Exit(1);
    }

    static void Write(byte[] line)
    {
        try
        {
            using var output = Console.OpenStandardOutput();
            output.Write(line);
        }
        catch (IOException)
        {
            // There is nobody to tell. The exit code does.
        }
    }
}

using System.Diagnostics.Metrics;
using System.Text;
using System.Text.Json;
using AspireJobs.ServiceDefaults;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace AspireJobs.Tests.Telemetry;

/// <summary>One log line, and where it goes when nobody reads.</summary>
public sealed partial class LogLineTests
{
    static readonly ServiceIdentity Identity = new("worker", "worker-0", "1.0");

    [Fact]
    public void A_line_in_the_elastic_common_schema_has_its_keys_and_no_object_where_a_string_is()
    {
        var line = Write(LogKeys.Ecs, log => Failed(log, "job-1", "tasks_failed", "no", 0));

        Assert.Equal("""{"@timestamp":""", line[..14]);
        var json = JsonSerializer.Deserialize<JsonElement>(line);
        Assert.Equal(
            ["@timestamp", "log.level", "event.action", "job_id", "error.type", "error.message", "retry_count", "message", "log.logger", "service.name", "service.node.name", "ecs.version"],
            json.EnumerateObject().Select(property => property.Name));
        Assert.Equal(("error", "job_failed", "tasks_failed"), (Text(json, "log.level"), Text(json, "event.action"), Text(json, "error.type")));
    }

    [Fact]
    public void A_field_does_not_take_the_place_of_an_object_of_the_elastic_common_schema()
    {
        var line = Write(LogKeys.Ecs, log => log.LogError("{Host} {url} {job_id}", "a", "b", "c"));

        var names = JsonSerializer.Deserialize<JsonElement>(line).EnumerateObject().Select(property => property.Name).ToList();
        Assert.Superset(new HashSet<string> { "fields.host", "fields.url", "job_id" }, names.ToHashSet());
    }

    [Fact]
    public void Keys_stay_unique_when_a_field_is_called_like_one_of_ours()
    {
        foreach (var keys in new[] { LogKeys.Default, LogKeys.Ecs })
        {
            var line = Write(keys, log => log.LogError(new InvalidOperationException("cause"), "{error} {error} {error_type} {service} {timestamp} {message} {event} {FullName} {full_name}", "a", "b", "c", "d", "e", "f", "g", "h", "i"));

            var names = JsonSerializer.Deserialize<JsonElement>(line).EnumerateObject().Select(property => property.Name).ToList();
            Assert.Distinct(names);
            Assert.Contains("fields.service", names);
            Assert.Contains("full_name", names);
        }
    }

    [Fact]
    public void A_format_that_nobody_knows_is_refused() =>
        Assert.Contains("ecs", Assert.Throws<InvalidOperationException>(() => LogKeys.Of("gelf")).Message);

    [Fact]
    public void A_line_allocates_less_than_600_bytes()
    {
        using var provider = new JsonLogProvider(new JsonLogFormatter(Identity, LogKeys.Default), Stream.Null);
        var log = provider.CreateLogger("AspireJobs.Worker.JobExecutor");
        const int count = 100;
        for (var i = 0; i < count; i++)
            Completed(log, "job-0199d2c0-0000-7000-8000-000000000000", "success", 276.374, "worker-0", 0);

        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < count; i++)
            Completed(log, "job-0199d2c0-0000-7000-8000-000000000000", "success", 276.374, "worker-0", 0);

        Assert.InRange((GC.GetAllocatedBytesForCurrentThread() - before) / count, 1, 600);
    }

    [Fact]
    public void A_reader_that_stops_reading_does_not_stop_who_logs_and_what_is_lost_is_counted()
    {
        var dropped = 0L;
        using var listener = ListenForDropped(value => Interlocked.Add(ref dropped, value));
        using var stuck = new StuckStream();
        var text = new string('x', 1000);
        const int written = 10_000;

        using (var provider = new JsonLogProvider(new JsonLogFormatter(Identity, LogKeys.Default), stuck))
        {
            var log = provider.CreateLogger("test");
            for (var i = 0; i < written; i++)
                Failed(log, "job-1", "tasks_failed", text, 0);
            stuck.Release();
        }

        Assert.InRange(dropped, 1, written - 1);
        Assert.Equal(written - dropped, stuck.Lines);
    }

    [Fact]
    public void A_full_disk_costs_the_lines_and_not_the_process_and_half_a_line_spoils_no_other()
    {
        var dropped = 0L;
        using var listener = ListenForDropped(value => Interlocked.Add(ref dropped, value));
        using var disk = new FullDisk();

        using (var provider = new JsonLogProvider(new JsonLogFormatter(Identity, LogKeys.Default), disk))
        {
            Failed(provider.CreateLogger("test"), "job-1", "tasks_failed", "no", 0);
            disk.Refused.Wait(TestContext.Current.CancellationToken);
            disk.IsFull = false;
            Failed(provider.CreateLogger("test"), "job-2", "tasks_failed", "no", 0);
        }

        Assert.Equal(1, dropped);
        var lines = Encoding.UTF8.GetString(disk.ToArray()).Split('\n');
        Assert.Equal(["{", ""], [lines[0], lines[2]]);
        Assert.Equal("job-2", Text(JsonSerializer.Deserialize<JsonElement>(lines[1]), "job_id"));
    }

    [Theory]
    [InlineData(null, null, "tests")]
    [InlineData(null, "deployment.environment=test,service.name=the%20api", "the api")]
    [InlineData("api", "service.name=other", "api")]
    public void The_name_of_a_service_is_the_one_that_its_metrics_and_traces_have(string? name, string? attributes, string expected)
    {
        var builder = Host.CreateEmptyApplicationBuilder(new() { ApplicationName = "Tests" });
        builder.Configuration.AddInMemoryCollection([new("OTEL_SERVICE_NAME", name), new("OTEL_RESOURCE_ATTRIBUTES", attributes)]);

        Assert.Equal(expected, ServiceIdentity.Of(builder).Name);
    }

    static MeterListener ListenForDropped(Action<long> count)
    {
        var listener = new MeterListener
        {
            InstrumentPublished = (instrument, listening) =>
            {
                if (instrument.Name == "ansible_api_dropped_log_lines_total")
                    listening.EnableMeasurementEvents(instrument);
            },
        };
        listener.SetMeasurementEventCallback<long>((_, value, _, _) => count(value));
        listener.Start();
        return listener;
    }

    static string Write(LogKeys keys, Action<ILogger> write)
    {
        using var output = new MemoryStream();
        using (var provider = new JsonLogProvider(new JsonLogFormatter(Identity, keys), output))
            write(provider.CreateLogger("AspireJobs.Test"));
        return Encoding.UTF8.GetString(output.ToArray());
    }

    static string? Text(JsonElement json, string name) => json.GetProperty(name).GetString();

    [LoggerMessage(LogLevel.Error, "job {job_id} failed: {error_type}: {error_message} ({retry_count})", EventName = "job_failed")]
    static partial void Failed(ILogger logger, string job_id, string error_type, string error_message, int retry_count);

    [LoggerMessage(LogLevel.Information, "job {job_id} ended as {status} after {duration_seconds} s ({worker_id}, {exit_code})", EventName = "job_completed")]
    static partial void Completed(ILogger logger, string job_id, string status, double duration_seconds, string? worker_id, int? exit_code);

    sealed class FullDisk : MemoryStream
    {
        volatile bool _isFull = true;

        public bool IsFull { set => _isFull = value; }

        public ManualResetEventSlim Refused { get; } = new();

        public override void Write(ReadOnlySpan<byte> buffer)
        {
            base.Write(_isFull ? buffer[..1] : buffer);
            if (!_isFull)
                return;
            Refused.Set();
            throw new IOException("No space left on device");
        }

        protected override void Dispose(bool disposing)
        {
            Refused.Dispose();
            base.Dispose(disposing);
        }
    }

    sealed class StuckStream : MemoryStream
    {
        readonly ManualResetEventSlim _open = new();

        public int Lines { get; private set; }

        public void Release() => _open.Set();

        public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

        public override void Write(ReadOnlySpan<byte> buffer)
        {
            _open.Wait();
            Lines += buffer.Count((byte)'\n');
        }

        protected override void Dispose(bool disposing)
        {
            _open.Dispose();
            base.Dispose(disposing);
        }
    }
}

using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace AspireJobs.Benchmarks;

/// <summary>How soon a worker starts a job when nothing else goes on.</summary>
static class PickupBenchmark
{
    const int WarmUps = 100;
    const int Jobs = 300;

    static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    public static async Task RunAsync(CancellationToken stop)
    {
        await using var service = await JobService.StartAsync(workers: false, stop);
        using var notices = new UdpClient(new IPEndPoint(IPAddress.Loopback, 0));
        var port = ((IPEndPoint)notices.Client.LocalEndPoint!).Port;
        await using var worker = await ServiceProcess.StartNoopWorkerAsync(service, [("Notices__Port", $"{port}")], stop);
        using var connection = await SubmitConnection.OpenAsync(service.Jobs, stop);
        for (var n = 0; n < WarmUps; n++)
            await MeasureAsync($"warm-up {n}");

        var before = Machine.Cpu();
        var milliseconds = new List<double>();
        for (var n = 0; n < Jobs; n++)
            milliseconds.Add(await MeasureAsync($"job {n}"));
        Figure.Print("pickup_ms", "ms", milliseconds, ("foreign_cores", Machine.Cpu().ForeignCoresSince(before)));

        async Task<double> MeasureAsync(string name)
        {
            using var patience = CancellationTokenSource.CreateLinkedTokenSource(stop);
            patience.CancelAfter(Patience);
            // Until nothing goes on any more; not always for as long, or it would keep step with the system's own clocks.
            await Task.Delay(TimeSpan.FromMilliseconds(Random.Shared.Next(10, 30)), TimeProvider.System, patience.Token);
            var request = connection.Request($$$"""{"source":{"type":"inline","content":"- hosts: localhost\n"},"labels":{"n":"{{{name}}}"}}""");
            var sentAt = Stopwatch.GetTimestamp();
            await connection.SubmitAsync(request, patience.Token);
            var notice = Encoding.UTF8.GetString((await notices.ReceiveAsync(patience.Token)).Buffer);
            return notice.StartsWith(name + ' ', StringComparison.Ordinal)
                ? Stopwatch.GetElapsedTime(sentAt, long.Parse(notice.AsSpan(name.Length + 1), CultureInfo.InvariantCulture)).TotalMilliseconds
                : throw new InvalidOperationException($"{name} was sent, and started was: {notice}");
        }
    }
}

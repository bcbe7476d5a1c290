using System.Runtime.InteropServices;
using Microsoft.AspNetCore.Builder;

namespace AspireJobs.Benchmarks.Profile;

/// <summary>
/// Records, under load, which code of the services is hot and which types it meets, for the compiler of their Release builds, which knows of no run:
/// <c>services.mibc</c>. The services that it starts have to be those that the runtime compiles, which counts for them.
/// </summary>
static class ProfileRecording
{
    const int Reads = 500;

    static readonly int[] Connections = [64, 16, 1];
    static readonly TimeSpan Length = TimeSpan.FromSeconds(6);

    public static async Task RunAsync(CancellationToken stop)
    {
        var recordings = Directory.CreateTempSubdirectory("profile-");
        await using var service = await JobService.StartAsync(workers: false, stop);
        await SubmitAsync(service, Recording("api"), stop);
        foreach (var slots in DrainBenchmark.Slots)
            await DrainBenchmark.MeasureAsync(service, slots, Recording($"worker-{slots}"), stop);

        string[] directories =
        [
            Path.GetDirectoryName(service.ApiProgram)!, Path.GetDirectoryName(service.NoopWorkerProgram)!,
            RuntimeEnvironment.GetRuntimeDirectory(), Path.GetDirectoryName(typeof(WebApplication).Assembly.Location)!,
        ];
        var profile = new MibcFile(new TypeIndex(directories));
        var methods = recordings.EnumerateFiles().SelectMany(file => RecordedMethod.Read(file.FullName)).ToList();
        var unknown = methods.Count(method => !profile.Add(method));
        if (profile.Count == 0)
            throw new InvalidOperationException("The services recorded nothing. Were they built with -p:PublishAot=false?");
        var file = Path.Combine(service.Root, "services.mibc");
        profile.Write(file);
        Console.WriteLine($"{file}: {profile.Count} methods; no assembly has {unknown} of {methods.Count} that were recorded");
        recordings.Delete(recursive: true);

        // It counts from the first call on, also in what the frameworks bring compiled, and for longer than the runtime itself needs.
        (string, string)[] Recording(string name) =>
        [
            ("DOTNET_TieredPGO", "1"), ("DOTNET_ReadyToRun", "0"), ("DOTNET_TC_CallCountThreshold", "1000"),
            ("DOTNET_WritePGOData", "1"), ("DOTNET_PGODataPath", Path.Combine(recordings.FullName, name)),
        ];
    }

    static async Task SubmitAsync(JobService service, IEnumerable<(string Name, string Value)> recording, CancellationToken stop)
    {
        var (api, jobs) = await ServiceProcess.StartApiAsync(service, recording, stop);
        await using (api)
        {
            foreach (var connections in Connections)
                await SubmitLoad.RunAsync(service, jobs, connections, Length, stop);
            for (var read = 0; read < Reads; read++)
                foreach (var path in new[] { $"{JobService.JobsPath}?limit=20", "/metrics" })
                    await service.Client.GetByteArrayAsync(new Uri(jobs, path), stop);
        }
    }
}

using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Eventing;
using Aspire.Hosting.Lifecycle;
using Microsoft.Extensions.DependencyInjection;

namespace AspireJobs.Tests.Hosting;

/// <summary>Events of an app host: their order, and what handlers do to it.</summary>
public sealed class EventTests
{
    static CancellationToken Stop => Apps.Stop;

    [Fact]
    public async Task Events_come_in_their_order()
    {
        await using var builder = Apps.Create();
        var events = new List<string>();
        Task Note(string name)
        {
            lock (events)
                events.Add(name);
            return Task.CompletedTask;
        }
        builder.Services.AddSingleton<Func<string, Task>>(Note);
        builder.Services.AddEventingSubscriber<Subscriber>();
        builder.OnBeforeStart((_, _) => Note("before start"));
        builder.AddSleeper("app").WithHttpEndpoint(env: "PORT")
            .OnResourceEndpointsAllocated((_, _, _) => Note("endpoints"))
            .OnBeforeResourceStarted((_, _, _) => Note("before resource"))
            .WithEnvironment(_ => Note("environment"))
            .OnResourceReady((_, _, _) => Note("ready"))
            .OnResourceStopped((_, e, _) => Note($"stopped {e.ResourceEvent.Snapshot.State!.Text}"));
        builder.Eventing.Subscribe<AfterResourcesCreatedEvent>((_, _) => Note("after created"));

        await using (var app = await builder.StartAsync())
            await app.ResourceNotifications.WaitForResourceHealthyAsync("app", Stop);

        events.Remove("ready");
        Assert.Equal(["subscriber", "before start", "endpoints", "before resource", "environment", "after created", "stopped Finished"], events);
    }

    [Fact]
    public async Task Handlers_run_one_by_one_and_the_first_that_throws_ends_it()
    {
        var eventing = new DistributedApplicationEventing();
        var calls = new List<int>();
        eventing.Subscribe<Happening>(async (_, _) =>
        {
            await Task.Yield();
            calls.Add(1);
        });
        eventing.Subscribe<Happening>((_, _) => throw new InvalidOperationException("second"));
        eventing.Subscribe<Happening>((_, _) =>
        {
            calls.Add(3);
            return Task.CompletedTask;
        });

        var fault = await Assert.ThrowsAsync<InvalidOperationException>(() => eventing.PublishAsync(new Happening(), Stop));

        Assert.Equal(("second", 1), (fault.Message, Assert.Single(calls)));
        Assert.Throws<ArgumentException>(() => eventing.Subscribe<IDistributedApplicationEvent>((_, _) => Task.CompletedTask));
    }

    [Fact]
    public async Task An_exception_of_a_ready_handler_fails_who_waits()
    {
        await using var builder = Apps.Create();
        var server = builder.AddSleeper("server").OnResourceReady((_, _, _) => throw new InvalidOperationException("no seed data"));
        builder.AddSleeper("client").WaitFor(server);

        await using var app = await builder.StartAsync();

        Assert.Equal(KnownResourceStates.FailedToStart, app.State("client"));
        Assert.Contains(await app.LogAsync("client"), line => line.Contains("no seed data", StringComparison.Ordinal));
    }

    sealed class Happening : IDistributedApplicationEvent;

    sealed class Subscriber(Func<string, Task> note) : IDistributedApplicationEventingSubscriber
    {
        public Task SubscribeAsync(IDistributedApplicationEventing eventing, DistributedApplicationExecutionContext executionContext, CancellationToken cancellationToken) => note("subscriber");
    }
}

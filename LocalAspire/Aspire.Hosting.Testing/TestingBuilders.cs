using System.Reflection;
using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Eventing;
using Aspire.Hosting.Testing;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace LocalAspire.Testing;

/// <summary>Passes everything on to the builder under test, and owns the application that comes of it.</summary>
abstract class TestingBuilder(IDistributedApplicationBuilder inner) : IDistributedApplicationTestingBuilder
{
    ConfigurationManager IDistributedApplicationBuilder.Configuration => inner.Configuration;

    string IDistributedApplicationBuilder.AppHostDirectory => inner.AppHostDirectory;

    Assembly? IDistributedApplicationBuilder.AppHostAssembly => inner.AppHostAssembly;

    IHostEnvironment IDistributedApplicationBuilder.Environment => inner.Environment;

    IServiceCollection IDistributedApplicationBuilder.Services => inner.Services;

    IDistributedApplicationEventing IDistributedApplicationBuilder.Eventing => inner.Eventing;

    DistributedApplicationExecutionContext IDistributedApplicationBuilder.ExecutionContext => inner.ExecutionContext;

    IResourceCollection IDistributedApplicationBuilder.Resources => inner.Resources;

    protected DistributedApplication? Application { get; private set; }

    IResourceBuilder<T> IDistributedApplicationBuilder.AddResource<T>(T resource) => inner.AddResource(resource);

    IResourceBuilder<T> IDistributedApplicationBuilder.CreateResourceBuilder<T>(T resource) => inner.CreateResourceBuilder(resource);

    DistributedApplication IDistributedApplicationBuilder.Build() => BuildAsync(CancellationToken.None).GetAwaiter().GetResult();

    public async Task<DistributedApplication> BuildAsync(CancellationToken cancellationToken = default) =>
        Application = await CreateApplicationAsync(cancellationToken);

    public void Dispose()
    {
        DisposeAsync().AsTask().GetAwaiter().GetResult();
        GC.SuppressFinalize(this);
    }

    public virtual async ValueTask DisposeAsync()
    {
        if (Application is not null)
            await Application.DisposeAsync();
        GC.SuppressFinalize(this);
    }

    protected abstract Task<DistributedApplication> CreateApplicationAsync(CancellationToken cancellationToken);
}

/// <summary>Of a builder that the test itself created.</summary>
sealed class AdHocTestingBuilder(DistributedApplicationBuilder inner) : TestingBuilder(inner)
{
    protected override Task<DistributedApplication> CreateApplicationAsync(CancellationToken cancellationToken) => Task.FromResult(inner.Build());
}

/// <summary>Of the builder that an AppHost's Main created.</summary>
sealed class EntryPointTestingBuilder(DistributedApplicationBuilder inner, EntryPointIntercept intercept) : TestingBuilder(inner)
{
    public static async Task<EntryPointTestingBuilder> CreateAsync(EntryPointIntercept intercept, Assembly appHost, CancellationToken cancellationToken)
    {
        var main = appHost.EntryPoint ?? throw new InvalidOperationException($"The assembly '{appHost.GetName().Name}' has no entry point.");
        intercept.Run(() => Invoke(main));
        try
        {
            var builder = await intercept.Builder.WaitAsync(cancellationToken);
            return new(TestingDefaults.Complete(builder), intercept);
        }
        catch
        {
            intercept.Abandon();
            throw;
        }
    }

    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        intercept.Abandon();
    }

    protected override async Task<DistributedApplication> CreateApplicationAsync(CancellationToken cancellationToken)
    {
        intercept.LetBuild();
        return await intercept.Application.WaitAsync(cancellationToken);
    }

    // The arguments of the test come in through the options, so that an AppHost that ignores its own still gets them.
    static void Invoke(MethodInfo main)
    {
        object?[] parameters = main.GetParameters().Length == 0 ? [] : [Array.Empty<string>()];
        // Without the wrapper that reflection puts around an exception of Main.
        var result = main.Invoke(null, BindingFlags.DoNotWrapExceptions, null, parameters, null);
        (result as Task)?.GetAwaiter().GetResult();
    }
}

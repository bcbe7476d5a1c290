using System.Net.Sockets;
using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Hosting;

namespace LocalAspire;

/// <summary>What every project receives without asking: endpoints of its launch profile, telemetry, its own address.</summary>
static class ProjectDefaults
{
    public static IResourceBuilder<ProjectResource> Apply(IResourceBuilder<ProjectResource> project, SelectedProfile? profile, IReadOnlyList<KestrelEndpoint> kestrel)
    {
        project.WithEnvironment("OTEL_DOTNET_EXPERIMENTAL_OTLP_RETRY", "in_memory");
        foreach (var endpoint in kestrel)
            AddEndpoint(project, endpoint);
        if (kestrel.Count > 0)
            project.WithEnvironment(context => AddKestrelUrls(context, project.Resource));
        return project.ApplicationBuilder.ExecutionContext.IsRunMode
            ? ApplyRun(project, profile, hasKestrel: kestrel.Count > 0)
            : ApplyPublish(project, profile, hasKestrel: kestrel.Count > 0);
    }

    /// <summary>Whether the process is to listen on the endpoint by what its environment says.</summary>
    public static bool IsInEnvironment(ProjectResource project, EndpointReference endpoint) =>
        endpoint.Scheme is "http" or "https"
        && endpoint.EndpointAnnotation.TargetPortEnvironmentVariable is null
        && project.Annotations.OfType<EndpointEnvironmentFilterAnnotation>().All(a => a.Filter(endpoint.EndpointAnnotation));

    static IResourceBuilder<ProjectResource> ApplyRun(IResourceBuilder<ProjectResource> project, SelectedProfile? profile, bool hasKestrel)
    {
        project.WithOtlpExporter();
        project.WithEnvironment(context => AddRunVariables(context, project.ApplicationBuilder));
        if (!hasKestrel)
        {
            foreach (var url in profile?.Profile.ApplicationUrl?.Split(';', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries) ?? [])
                AddEndpoint(project, BindingAddress.Parse(url));
            project.WithEnvironment(context => AddUrls(context, project.Resource));
            if (profile?.Profile.LaunchUrl is { Length: > 0 } launchUrl)
                ShowLaunchUrl(project, launchUrl);
        }
        if (profile is not null)
        {
            project.WithEnvironment(context => AddProfile(context, profile));
            project.WithArgs(context =>
            {
                foreach (var arg in CommandLine.Split(profile.Profile.CommandLineArgs))
                    context.Args.Add(arg);
            });
        }
        return project;
    }

    static IResourceBuilder<ProjectResource> ApplyPublish(IResourceBuilder<ProjectResource> project, SelectedProfile? profile, bool hasKestrel)
    {
        var resource = project.Resource;
        project.WithEnvironment(context =>
        {
            if (resource.HasAnnotationOfType<EndpointAnnotation>() && !resource.HasAnnotationOfType<DisableForwardedHeadersAnnotation>())
                context.EnvironmentVariables["ASPNETCORE_FORWARDEDHEADERS_ENABLED"] = "true";
        });
        if (!hasKestrel)
        {
            project.WithEnvironment(context =>
            {
                AddPorts(context, resource, "http", "HTTP_PORTS");
                AddPorts(context, resource, "https", "HTTPS_PORTS");
            });
        }
        // A web project is deployed behind both schemes, whatever it listens on here.
        if (profile?.Profile.ApplicationUrl is null && !hasKestrel)
            return project;

        var http = EndpointOf(project, "http");
        var https = EndpointOf(project, "https");
        http.TargetPort = https.TargetPort = http.TargetPort ?? https.TargetPort;
        return project;
    }

    /// <summary>The endpoint of a scheme; where there is none, one of that name, on which the process does not listen if it is https.</summary>
    static EndpointAnnotation EndpointOf(IResourceBuilder<ProjectResource> project, string scheme)
    {
        if (project.Resource.Annotations.OfType<EndpointAnnotation>().FirstOrDefault(e => e.UriScheme == scheme || e.Name == scheme) is { } existing)
            return existing;

        var endpoint = new EndpointAnnotation(ProtocolType.Tcp, scheme, name: scheme);
        project.WithAnnotation(endpoint);
        if (scheme is "https")
            project.Resource.DefaultHttpsEndpoint = endpoint;
        return endpoint;
    }

    // A deployment decides on the public port itself, and a fixed port of the process would keep replicas from running here.
    static void AddEndpoint(IResourceBuilder<ProjectResource> project, KestrelEndpoint kestrel) => project.WithAnnotation(new EndpointAnnotation(
        ProtocolType.Tcp,
        kestrel.Address.Scheme,
        kestrel.IsHttp2 ? "http2" : null,
        kestrel.Name,
        port: project.ApplicationBuilder.ExecutionContext.IsRunMode ? kestrel.Port : null,
        targetPort: project.ApplicationBuilder.ExecutionContext.IsPublishMode ? kestrel.Port : null)
    {
        TargetHost = kestrel.Host,
        IsOfKestrel = true,
    });

    /// <summary>Moves all endpoints of the process, because the section would leave out those that it does not name.</summary>
    static void AddKestrelUrls(EnvironmentCallbackContext context, ProjectResource project)
    {
        foreach (var endpoint in project.GetEndpoints().Where(e => e.EndpointAnnotation != project.DefaultHttpsEndpoint && IsInEnvironment(project, e)))
        {
            // In a container nobody would reach the loopback address.
            var host = context.ExecutionContext.IsRunMode && endpoint.EndpointAnnotation.IsOfKestrel ? endpoint.EndpointAnnotation.TargetHost : "*";
            context.EnvironmentVariables[$"Kestrel__Endpoints__{endpoint.EndpointName}__Url"] =
                ReferenceExpression.Create($"{endpoint.Scheme}://{host}:{endpoint.Property(EndpointProperty.TargetPort)}");
        }
    }

    static void AddEndpoint(IResourceBuilder<ProjectResource> project, BindingAddress address)
    {
        var taken = project.Resource.Annotations.OfType<EndpointAnnotation>().Count(e => e.UriScheme == address.Scheme);
        var name = taken == 0 ? address.Scheme : $"{address.Scheme}{taken + 1}";
        project.WithAnnotation(new EndpointAnnotation(ProtocolType.Tcp, address.Scheme, name: name, port: address.Port) { TargetHost = address.Host });
    }

    /// <summary>The page that the profile opens in a browser is the one to show for the endpoints.</summary>
    static void ShowLaunchUrl(IResourceBuilder<ProjectResource> project, string launchUrl)
    {
        var ofProfile = project.Resource.Annotations.OfType<EndpointAnnotation>().ToHashSet();
        project.WithUrls(context =>
        {
            foreach (var url in context.Urls.Where(url => url.Endpoint is { } endpoint && ofProfile.Contains(endpoint.EndpointAnnotation)))
                url.Url = new Uri(new Uri(url.Url), launchUrl).ToString();
        });
    }

    static void AddRunVariables(EnvironmentCallbackContext context, IDistributedApplicationBuilder builder)
    {
        if (builder.Environment.IsDevelopment())
        {
            context.EnvironmentVariables["OTEL_DOTNET_EXPERIMENTAL_ASPNETCORE_DISABLE_URL_QUERY_REDACTION"] = "true";
            context.EnvironmentVariables["OTEL_DOTNET_EXPERIMENTAL_HTTPCLIENT_DISABLE_URL_QUERY_REDACTION"] = "true";
        }
        context.EnvironmentVariables["DOTNET_SYSTEM_CONSOLE_ALLOW_ANSI_COLOR_REDIRECTION"] = "true";
        context.EnvironmentVariables["LOGGING__CONSOLE__FORMATTERNAME"] = "simple";
    }

    static void AddPorts(EnvironmentCallbackContext context, ProjectResource project, string scheme, string variable)
    {
        var ports = new ReferenceExpressionBuilder();
        foreach (var endpoint in project.GetEndpoints().Where(e => e.Scheme == scheme && e.EndpointAnnotation != project.DefaultHttpsEndpoint && IsInEnvironment(project, e)))
        {
            if (!ports.IsEmpty)
                ports.AppendLiteral(";");
            ports.Append($"{endpoint.Property(EndpointProperty.TargetPort)}");
        }
        if (!ports.IsEmpty)
            context.EnvironmentVariables.TryAdd(variable, ports.Build());
    }

    static void AddUrls(EnvironmentCallbackContext context, ProjectResource project)
    {
        var endpoints = project.GetEndpoints().Where(e => IsInEnvironment(project, e)).ToArray();
        if (endpoints.Length == 0 || context.EnvironmentVariables.ContainsKey("ASPNETCORE_URLS"))
            return;

        var urls = new ReferenceExpressionBuilder();
        foreach (var endpoint in endpoints)
        {
            if (!urls.IsEmpty)
                urls.AppendLiteral(";");
            urls.Append($"{endpoint.Scheme}://{endpoint.EndpointAnnotation.TargetHost}:{endpoint.Property(EndpointProperty.TargetPort)}");
        }
        if (Array.Find(endpoints, e => e.Scheme is "https") is { } secure)
            context.EnvironmentVariables["ASPNETCORE_HTTPS_PORT"] = secure.Property(EndpointProperty.Port);
        context.EnvironmentVariables["ASPNETCORE_URLS"] = urls.Build();
    }

    static void AddProfile(EnvironmentCallbackContext context, SelectedProfile profile)
    {
        context.EnvironmentVariables.TryAdd("DOTNET_LAUNCH_PROFILE", profile.Name);
        foreach (var (name, value) in profile.Profile.EnvironmentVariables)
            context.EnvironmentVariables.TryAdd(name, Environment.ExpandEnvironmentVariables(value));
    }
}

/// <summary>Keeps endpoints out of what tells the process where to listen.</summary>
sealed class EndpointEnvironmentFilterAnnotation(Func<EndpointAnnotation, bool> filter) : IResourceAnnotation
{
    public Func<EndpointAnnotation, bool> Filter => filter;
}

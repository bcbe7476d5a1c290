using Aspire.Dashboard;
using Aspire.Dashboard.Api;
using Aspire.Dashboard.Login;
using Aspire.Dashboard.Otlp;
using Aspire.Dashboard.Resources;
using Aspire.Dashboard.Store;
using Aspire.Dashboard.Ui;

var builder = WebApplication.CreateSlimBuilder(new WebApplicationOptions
{
    Args = args,
    ContentRootPath = AppContext.BaseDirectory,
    WebRootPath = Environment.GetEnvironmentVariable("ASPNETCORE_WEBROOT") ?? Path.Combine(AppContext.BaseDirectory, "wwwroot"),
});
DashboardOptions options;
try
{
    options = DashboardOptions.Load(builder.Configuration);
}
catch (Exception e) when (e is InvalidOperationException or FormatException)
{
    await Console.Error.WriteLineAsync($"Dashboard: {e.Message}");
    return 1;
}

builder.Logging.AddFilter("Microsoft", LogLevel.Warning);
// It warns that ASPNETCORE_URLS is overridden; Listeners has taken the addresses from there.
builder.Logging.AddFilter("Microsoft.AspNetCore.Server.Kestrel", LogLevel.Error);
builder.WebHost.UseKestrelHttpsConfiguration();
builder.WebHost.ConfigureKestrel(kestrel => Listeners.Listen(kestrel, options));
builder.Services.AddProblemDetails();
builder.Services.AddCors();
// Bad parameters come to the handler of errors, which explains them.
builder.Services.Configure<RouteHandlerOptions>(routes => routes.ThrowOnBadRequest = true);
builder.Services.AddSingleton(options);
builder.Services.AddSingleton(options.TelemetryLimits);
builder.Services.AddSingleton(TimeProvider.System);
builder.Services.AddSingleton<ResourceCatalog>();
builder.Services.AddSingleton<TraceStore>();
builder.Services.AddSingleton<LogStore>();
builder.Services.AddSingleton<MetricStore>();
builder.Services.AddSingleton<OtlpSignals>();
builder.Services.AddSingleton<OtlpHttpReceiver>();
builder.Services.AddSingleton<OtlpGrpcReceiver>();
builder.Services.AddSingleton<ResourceDirectory>();
builder.Services.AddSingleton<ResourceServiceClient>();
builder.Services.AddSingleton<ConsoleStream>();
if (options.ResourceServiceClient.Url is not null)
    builder.Services.AddHostedService<ResourceWatcher>();
builder.Services.AddSingleton<BrowserLogin>();
builder.Services.AddSingleton<Pages>();

var app = builder.Build();
app.UseExceptionHandler(Errors.Handle);
app.MapWhen(context => Listeners.Of(context) == Listener.OtlpGrpc, grpc => grpc.Run(app.Services.GetRequiredService<OtlpGrpcReceiver>().ReceiveAsync));
app.MapWhen(context => Listeners.Of(context) == Listener.OtlpHttp, http => http.UseCors(options.Otlp.Cors.Apply).UseRouting().UseEndpoints(routes => routes.MapOtlpHttp()));
app.UseMiddleware<AccessMiddleware>();
app.UseRouting();
app.MapLogin();
if (options.Api.Enabled)
    app.MapTelemetryApi();
app.MapUi();
app.MapFallback("{*path}", (HttpContext context, Pages pages) => pages.Any(context));
app.Lifetime.ApplicationStarted.Register(() => Announcement.Print(app));
try
{
    await app.RunAsync();
    return 0;
}
catch (IOException e)
{
    // A port that is taken.
    await Console.Error.WriteLineAsync($"Dashboard: {e.Message}");
    return 1;
}

using Aspire.Dashboard.Query;
using Microsoft.AspNetCore.Diagnostics;

namespace Aspire.Dashboard;

static class Errors
{
    public static void Handle(IApplicationBuilder app) => app.Run(context =>
    {
        var error = context.Features.Get<IExceptionHandlerFeature>()?.Error;
        var problem = error switch
        {
            BadQueryException => Results.Problem(title: "Bad query", detail: error.Message, statusCode: StatusCodes.Status400BadRequest),
            BadHttpRequestException bad => Results.Problem(title: "Bad request", detail: bad.Message, statusCode: bad.StatusCode),
            HttpRequestException => Results.Problem(title: "The app host does not answer", detail: error.Message, statusCode: StatusCodes.Status502BadGateway),
            _ => Results.Problem(title: "Internal error", statusCode: StatusCodes.Status500InternalServerError),
        };
        return problem.ExecuteAsync(context);
    });
}

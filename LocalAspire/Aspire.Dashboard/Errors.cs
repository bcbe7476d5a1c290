using Aspire.Dashboard.Query;
using Microsoft.AspNetCore.Diagnostics;

namespace Aspire.Dashboard;

static class Errors
{
    public static void Handle(IApplicationBuilder app) => app.Run(context =>
    {
        var error = context.Features.Get<IExceptionHandlerFeature>()?.Error;
        return error is BadQueryException
            ? Results.Problem(title: "Bad query", detail: error.Message, statusCode: StatusCodes.Status400BadRequest).ExecuteAsync(context)
            : Results.Problem(title: "Internal error", statusCode: StatusCodes.Status500InternalServerError).ExecuteAsync(context);
    });
}

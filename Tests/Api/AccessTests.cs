using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using AspireJobs.Tests.Infrastructure;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;

namespace AspireJobs.Tests.Api;

/// <summary>Who may call: only holders of a key that exists, by either header; probes need none.</summary>
public sealed class AccessTests(ApiAlone api) : IClassFixture<ApiAlone>
{
    [Fact]
    public async Task Every_route_below_the_api_refuses_callers_without_a_key()
    {
        using var nobody = Anonymous();
        var routes = api.System.ApiServices.GetServices<EndpointDataSource>().SelectMany(source => source.Endpoints).OfType<RouteEndpoint>()
            .Where(route => route.RoutePattern.RawText!.StartsWith("/api/", StringComparison.Ordinal)).ToList();

        Assert.True(routes.Count > 10);
        foreach (var route in routes)
        {
            var method = route.Metadata.GetRequiredMetadata<HttpMethodMetadata>().HttpMethods[0];
            using var response = await nobody.SendAsync(new HttpRequestMessage(new HttpMethod(method), route.RoutePattern.RawText!.Replace("{", "").Replace("}", "")));
            Assert.True(response.StatusCode == HttpStatusCode.Unauthorized, $"{method} {route.RoutePattern.RawText} answered {response.StatusCode}");
        }
    }

    [Fact]
    public async Task No_key_and_a_wrong_key_are_told_apart()
    {
        using var caller = Anonymous();
        Assert.Equal("urn:aspirejobs:problem:no-key", await ProblemTypeAsync(caller));

        caller.DefaultRequestHeaders.Add("X-API-Key", "aj_wrong");
        Assert.Equal("urn:aspirejobs:problem:wrong-key", await ProblemTypeAsync(caller));
    }

    [Fact]
    public async Task A_made_key_works_by_either_header_until_it_is_deleted()
    {
        using var made = await api.System.Client.PostAsJsonAsync("/api/v1/api-keys", new { name = "ci-pipeline" });
        Assert.Equal(HttpStatusCode.Created, made.StatusCode);
        var key = (await made.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("key").GetString()!;
        using var byHeader = Anonymous();
        byHeader.DefaultRequestHeaders.Add("X-API-Key", key);
        using var byBearer = Anonymous();
        byBearer.DefaultRequestHeaders.Add("Authorization", $"Bearer {key}");

        Assert.Equal(HttpStatusCode.OK, (await byHeader.GetAsync("/api/v1/jobs")).StatusCode);
        Assert.Equal(HttpStatusCode.OK, (await byBearer.GetAsync("/api/v1/jobs")).StatusCode);

        Assert.Equal(HttpStatusCode.NoContent, (await api.System.Client.DeleteAsync("/api/v1/api-keys/ci-pipeline")).StatusCode);
        Assert.Equal(HttpStatusCode.Unauthorized, (await byHeader.GetAsync("/api/v1/jobs")).StatusCode);
    }

    [Fact]
    public async Task A_caller_without_a_key_learns_nothing_about_the_body()
    {
        using var caller = Anonymous();

        using var response = await caller.PostAsync("/api/v1/jobs", new StringContent("source=inline"));

        Assert.Equal(HttpStatusCode.Unauthorized, response.StatusCode);
    }

    [Fact]
    public async Task Only_the_operators_key_manages_keys_and_it_cannot_delete_itself()
    {
        using var made = await api.System.Client.PostAsJsonAsync("/api/v1/api-keys", new { name = "curious" });
        using var curious = Anonymous();
        curious.DefaultRequestHeaders.Add("X-API-Key", (await made.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("key").GetString());

        using var created = await curious.PostAsJsonAsync("/api/v1/api-keys", new { name = "sneaky" });

        Assert.Equal(HttpStatusCode.Forbidden, created.StatusCode);
        Assert.Equal("urn:aspirejobs:problem:not-allowed", (await created.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("type").GetString());
        Assert.Equal(HttpStatusCode.Forbidden, (await curious.GetAsync("/api/v1/api-keys")).StatusCode);
        Assert.Equal(HttpStatusCode.Forbidden, (await curious.DeleteAsync("/api/v1/api-keys/admin")).StatusCode);
        Assert.Equal(HttpStatusCode.Conflict, (await api.System.Client.DeleteAsync("/api/v1/api-keys/admin")).StatusCode);
    }

    [Fact]
    public async Task A_name_is_given_to_one_key_only()
    {
        await api.System.Client.PostAsJsonAsync("/api/v1/api-keys", new { name = "twice" });

        using var second = await api.System.Client.PostAsJsonAsync("/api/v1/api-keys", new { name = "twice" });

        Assert.Equal(HttpStatusCode.Conflict, second.StatusCode);
    }

    [Fact]
    public async Task Keys_are_listed_by_name_and_never_shown_again()
    {
        using var made = await api.System.Client.PostAsJsonAsync("/api/v1/api-keys", new { name = "shown-once" });
        var key = (await made.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("key").GetString()!;

        var list = await api.System.Client.GetStringAsync("/api/v1/api-keys");

        Assert.Contains("shown-once", list);
        Assert.DoesNotContain(key, list);
    }

    [Theory]
    [InlineData("/health")]
    [InlineData("/alive")]
    [InlineData("/metrics")]
    public async Task Probes_need_no_key(string path)
    {
        using var nobody = Anonymous();

        Assert.Equal(HttpStatusCode.OK, (await nobody.GetAsync(path)).StatusCode);
    }

    [Fact]
    public async Task An_unknown_route_and_a_wrong_method_are_problems_too()
    {
        Assert.Equal(HttpStatusCode.NotFound, await ProblemStatusAsync(HttpMethod.Get, "/api/v2/jobs"));
        Assert.Equal(HttpStatusCode.MethodNotAllowed, await ProblemStatusAsync(HttpMethod.Put, "/api/v1/jobs"));
    }

    [Fact]
    public async Task An_unknown_key_is_a_problem_named_as_all_others()
    {
        using var response = await api.System.Client.DeleteAsync("/api/v1/api-keys/nobody");

        Assert.Equal(HttpStatusCode.NotFound, response.StatusCode);
        Assert.Equal("urn:aspirejobs:problem:unknown-api-key", (await response.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("type").GetString());
    }

    HttpClient Anonymous() => new() { BaseAddress = api.System.Client.BaseAddress };

    static async Task<string?> ProblemTypeAsync(HttpClient caller)
    {
        using var response = await caller.GetAsync("/api/v1/jobs");
        Assert.Equal(HttpStatusCode.Unauthorized, response.StatusCode);
        Assert.Equal("Bearer", response.Headers.WwwAuthenticate.Single().Scheme);
        return (await response.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("type").GetString();
    }

    async Task<HttpStatusCode> ProblemStatusAsync(HttpMethod method, string path)
    {
        using var response = await api.System.Client.SendAsync(new HttpRequestMessage(method, path));
        var problem = await response.Content.ReadFromJsonAsync<JsonElement>();
        Assert.StartsWith("urn:aspirejobs:problem:", problem.GetProperty("type").GetString());
        return response.StatusCode;
    }
}

using System.Net;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using AspireJobs.Tests.Infrastructure;

namespace AspireJobs.Tests.Api;

/// <summary>How many jobs of a key may run, as it is set. What it does: <c>LimitTests</c>.</summary>
public sealed class ApiKeyLimitTests(ApiAlone api) : IClassFixture<ApiAlone>
{
    HttpClient Client => api.System.Client;

    [Fact]
    public async Task A_limit_is_set_when_the_key_is_made_changed_and_lifted()
    {
        using var made = await Client.PostAsJsonAsync("/api/v1/api-keys", new { name = "limited", max_running = 3 });
        Assert.Equal(3, (await made.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("max_running").GetInt32());

        Assert.Equal(5, (await PatchAsync("limited", """{"max_running": 5}""")).GetProperty("max_running").GetInt32());
        Assert.Equal(5, (await ListedAsync("limited")).GetProperty("max_running").GetInt32());
        Assert.False((await PatchAsync("limited", """{"max_running": null}""")).TryGetProperty("max_running", out _));
        Assert.False((await ListedAsync("limited")).TryGetProperty("max_running", out _));
    }

    [Theory]
    [InlineData("""{}""", "max_running is required: a number, or null for no limit.")]
    [InlineData("""{"max_running": 0}""", "must be 1 to 10,000")]
    [InlineData("""{"max_running": 1.5}""", "must be a whole number")]
    [InlineData("""{"max_running": 1, "name": "other"}""", "Known: max_running.")]
    public async Task A_faulty_change_is_refused(string body, string message)
    {
        using var response = await SendAsync("admin", body);

        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        Assert.Contains(message, await response.Content.ReadAsStringAsync());
    }

    [Fact]
    public async Task A_faulty_limit_makes_no_key()
    {
        using var response = await Client.PostAsJsonAsync("/api/v1/api-keys", new { name = "never", max_running = -1 });

        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        Assert.DoesNotContain("never", await Client.GetStringAsync("/api/v1/api-keys"));
    }

    [Fact]
    public async Task A_key_that_does_not_exist_and_a_caller_who_is_not_the_operator_are_refused()
    {
        using var caller = await api.System.MakeCallerAsync("ambitious", maxRunning: 1);

        Assert.Equal(HttpStatusCode.NotFound, (await SendAsync("nobody", """{"max_running": 1}""")).StatusCode);
        Assert.Equal(HttpStatusCode.Forbidden, (await caller.PatchAsJsonAsync("/api/v1/api-keys/ambitious", new { max_running = 100 })).StatusCode);
    }

    async Task<JsonElement> PatchAsync(string name, string body)
    {
        using var response = await SendAsync(name, body);
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        return await response.Content.ReadFromJsonAsync<JsonElement>();
    }

    async Task<JsonElement> ListedAsync(string name) =>
        (await Client.GetFromJsonAsync<JsonElement>("/api/v1/api-keys")).GetProperty("items").EnumerateArray().Single(key => key.GetProperty("name").GetString() == name);

    Task<HttpResponseMessage> SendAsync(string name, string body) =>
        Client.PatchAsync($"/api/v1/api-keys/{name}", new StringContent(body, Encoding.UTF8, "application/json"));
}

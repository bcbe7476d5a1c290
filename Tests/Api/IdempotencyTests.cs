using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using AspireJobs.Tests.Infrastructure;

namespace AspireJobs.Tests.Api;

/// <summary>Submissions that a caller repeats, as it does not know whether the first one arrived.</summary>
public sealed class IdempotencyTests(ApiAlone alone) : IClassFixture<ApiAlone>
{
    [Fact]
    public async Task The_same_submission_twice_makes_one_job_also_at_the_same_moment()
    {
        var key = NewKey();

        var answers = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => PostAsync(key, "x")));

        Assert.All(answers, answer => Assert.Equal(HttpStatusCode.Accepted, answer.Status));
        Assert.Single(answers.Select(answer => answer.Body.GetProperty("id").GetString()).Distinct());
        Assert.Single(answers, answer => !answer.Replayed);
    }

    [Fact]
    public async Task Another_body_under_the_same_key_is_refused_and_names_the_job_that_has_it()
    {
        var key = NewKey();
        var first = await PostAsync(key, "x");

        var second = await PostAsync(key, "y");

        Assert.Equal(HttpStatusCode.UnprocessableEntity, second.Status);
        Assert.Equal("urn:aspirejobs:problem:idempotency-key-reused", second.Body.GetProperty("type").GetString());
        Assert.Contains(first.Body.GetProperty("id").GetString()!, second.Body.GetProperty("title").GetString());
    }

    [Fact]
    public async Task Another_secret_under_the_same_key_is_another_body()
    {
        var key = NewKey();
        Assert.Equal(HttpStatusCode.Accepted, (await PostAsync(key, "x", "first-secret-of-the-test")).Status);
        Assert.True((await PostAsync(key, "x", "first-secret-of-the-test")).Replayed);

        Assert.Equal(HttpStatusCode.UnprocessableEntity, (await PostAsync(key, "x", "second-secret-of-the-test")).Status);
    }

    [Theory]
    [InlineData("")]
    [InlineData("two words")]
    public async Task A_key_that_is_none_is_refused(string key)
    {
        var answer = await PostAsync(key, "x");

        Assert.Equal(HttpStatusCode.BadRequest, answer.Status);
        Assert.True(answer.Body.GetProperty("errors").TryGetProperty("Idempotency-Key", out _));
    }

    [Fact]
    public async Task A_submission_that_was_accepted_is_answered_alike_when_it_would_be_refused_by_now()
    {
        var (key, credential) = (NewKey(), "c-" + NewKey());
        object request = new { source = new { type = "inline", content = "x" }, credentials = new[] { credential } };
        (await alone.System.Client.PostAsJsonAsync("/api/v1/credentials", new { name = credential, type = "password", values = new { password = "of-the-vault" } })).EnsureSuccessStatusCode();
        var first = await PostAsync(key, request);
        (await alone.System.Client.DeleteAsync($"/api/v1/credentials/{credential}")).EnsureSuccessStatusCode();

        var second = await PostAsync(key, request);

        Assert.True(second.Replayed);
        Assert.Equal(first.Body.GetProperty("id").GetString(), second.Body.GetProperty("id").GetString());
        Assert.Equal(HttpStatusCode.BadRequest, (await PostAsync(NewKey(), request)).Status);
    }

    static string NewKey() => Guid.NewGuid().ToString();

    Task<(HttpStatusCode Status, bool Replayed, JsonElement Body)> PostAsync(string key, string content, string? secret = null) => PostAsync(key, secret is null
        ? new { source = new { type = "inline", content } }
        : (object)new { source = new { type = "inline", content }, secret_vars = new { password = secret } });

    async Task<(HttpStatusCode Status, bool Replayed, JsonElement Body)> PostAsync(string key, object request)
    {
        using var message = new HttpRequestMessage(HttpMethod.Post, "/api/v1/jobs") { Content = JsonContent.Create(request) };
        message.Headers.TryAddWithoutValidation("Idempotency-Key", key);
        using var response = await alone.System.Client.SendAsync(message);
        return (response.StatusCode, response.Headers.Contains("Idempotency-Replayed"), await response.Content.ReadFromJsonAsync<JsonElement>());
    }
}

using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using AspireJobs.Tests.Infrastructure;

namespace AspireJobs.Tests.Api;

/// <summary>Requests that are refused: each says which field is wrong and why, and changes nothing.</summary>
public sealed class JobRequestTests(ApiAlone api) : IClassFixture<ApiAlone>
{
    const string Inline = """ "source": {"type": "inline", "content": "- hosts: all"} """;
    const string Git = """ "source": {"type": "git", "url": "https://example.com/a.git"}, "playbook": "site.yml" """;

    public static TheoryData<string, string, string> FaultyFields => new()
    {
        { $$"""{ {{Inline}}, "colour": "red" }""", "colour", "There is no field 'colour'." },
        { """{ "source": {"type": "inline", "content": "x", "colour": 1} }""", "source.colour", "There is no field 'source.colour'." },
        { $$"""{ {{Inline}}, "forks": "many" }""", "forks", "forks must be a whole number." },
        { $$"""{ {{Inline}}, "forks": 0 }""", "forks", "forks must be 1 to 100." },
        { $$"""{ {{Inline}}, "check": "yes" }""", "check", "check must be true or false." },
        { $$"""{ {{Inline}}, "tags": "a,b" }""", "tags", "tags must be a list of strings." },
        { $$"""{ {{Inline}}, "tags": null }""", "tags", "not null" },
        { $$"""{ {{Inline}}, "tags": ["--help"] }""", "tags[0]", "must be a tag" },
        { $$"""{ {{Inline}}, "labels": {"a": 1} }""", "labels", "an object whose values are strings" },
        { $$"""{ {{Inline}}, "extra_vars": [1] }""", "extra_vars", "must be an object" },
        { $$"""{ {{Inline}}, "secret_vars": {} }""", "secret_vars", "1 to 64 fields" },
        { $$"""{ {{Inline}}, "secret_vars": {"a": 1} }""", "secret_vars", "an object whose values are strings" },
        { $$"""{ {{Inline}}, "secret_vars": {"a": null} }""", "secret_vars.a", "not null" },
        { $$"""{ {{Inline}}, "secret_vars": {"a": "abc"} }""", "secret_vars.a", "must be 4 to 65,536 characters long" },
        { $$"""{ {{Inline}}, "secret_vars": {"a": "***"} }""", "secret_vars.a", "is the mask that answers show" },
        { $$"""{ {{Inline}}, "secret_vars": {"no name": "abcd"} }""", "secret_vars.no name", "is no name for an Ansible variable" },
        { $$"""{ {{Inline}}, "secret_vars": {"a": "abcd"}, "extra_vars": {"a": 1} }""", "secret_vars.a", "is in extra_vars as well" },
        { $$"""{ {{Inline}}, "extra_vars": {"a": {{new string('[', 40)}}{{new string(']', 40)}}} }""", "extra_vars", "nested at most 32 levels deep" },
        { $$"""{ {{Inline}}, "extra_vars": {"a": "\ud800"} }""", "extra_vars", "half of a surrogate pair" },
        { $$"""{ {{Inline}}, "\ud800": 1 }""", "$", "half of a surrogate pair" },
        { $$"""{ {{Inline}}, "tags": [{{string.Join(',', Enumerable.Repeat("\"a\"", 101))}}] }""", "tags", "must be at most 100" },
        { $$"""{ {{Inline}}, "tags": ["a\n"] }""", "tags[0]", "must be a tag" },
        { $$"""{ {{Inline}}, "callback_url": "https://example.com/\u0001" }""", "callback_url", "must be an http or https URL" },
        { $$"""{ {{Inline}}, "limit": "--list-hosts" }""", "limit", "must be a host pattern" },
        { $$"""{ {{Inline}}, "limit": "@/etc/passwd" }""", "limit", "must be a host pattern" },
        { $$"""{ {{Inline}}, "limit": "web1,@/etc/passwd" }""", "limit", "must be a host pattern" },
        { $$"""{ {{Inline}}, "limit": "," }""", "limit", "that names hosts" },
        { $$"""{ {{Inline}}, "limit": " : \u00a0" }""", "limit", "that names hosts" },
        { $$"""{ {{Inline}}, "limit": "all:!" }""", "limit", "that names hosts" },
        { $$"""{ {{Inline}}, "verbosity": 9 }""", "verbosity", "must be 0 to 4" },
        { $$"""{ {{Inline}}, "timeout_seconds": 0 }""", "timeout_seconds", "must be 1 to 86,400" },
        { $$"""{ {{Inline}}, "callback_url": "ftp://example.com" }""", "callback_url", "must be an http or https URL" },
        { $$"""{ {{Inline}}, "callback_url": "https://user:pw@example.com" }""", "callback_url", "must not contain a user name or password" },
        { $$"""{ {{Inline}}, "callback_url": "http://xn--ü.com/" }""", "callback_url", "must have a host name that DNS can hold" },
        { $$"""{ {{Inline}}, "callback_url": "http://\u05d0a/" }""", "callback_url", "must have a host name that DNS can hold" },
        { $$"""{ {{Inline}}, "callback_url": "http://{{new string('ü', 63)}}.de/" }""", "callback_url", "at most 63 between dots" },
        { $$"""{ {{Inline}}, "callback_url": "http://{{string.Join('.', Enumerable.Repeat("a", 128))}}/" }""", "callback_url", "at most 253 characters" },
        { $$"""{ {{Inline}}, "credentials": ["nobody-made-this"] }""", "credentials[0]", "'nobody-made-this'" },
        { $$"""{ {{Inline}}, "credentials": [null] }""", "credentials[0]", "must not be null" },
        { $$"""{ {{Inline}}, "playbook": "site.yml" }""", "playbook", "does not go with an inline source" },
        { $$"""{ {{Inline}}, "inventory": {} }""", "inventory", "exactly one of" },
        { $$"""{ {{Inline}}, "inventory": {"hosts": ["-oProxyCommand=x"]} }""", "inventory.hosts[0]", "must be a host name" },
        { $$"""{ {{Inline}}, "inventory": {"hosts": ["db", "all"]} }""", "inventory.hosts[1]", "must not be all or ungrouped" },
        { $$"""{ {{Inline}}, "inventory": {"hosts": ["ungrouped:22"]} }""", "inventory.hosts[0]", "must not be all or ungrouped" },
        { """{ }""", "source", "source is required" },
        { """{ "source": {} }""", "source.type", "must be one of: inline, git, local" },
        { """{ "source": {"type": "svn"} }""", "source.type", "must be one of: inline, git, local" },
        { """{ "source": {"type": "inline", "content": "x", "url": "https://example.com"} }""", "source.url", "belongs to a source of type git" },
        { """{ "source": {"type": "local"}, "playbook": "../../etc/passwd" }""", "playbook", "must not lead out of the source" },
        { """{ "source": {"type": "local"}, "playbook": "/etc/passwd" }""", "playbook", "must be relative to the source" },
        { """{ "source": {"type": "local"}, "playbook": "--version" }""", "playbook", "must not begin with a dash" },
        { """{ "source": {"type": "local", "path": "../.."}, "playbook": "a.yml" }""", "source.path", "must not lead out of the source" },
        { """{ "source": {"type": "git"}, "playbook": "a.yml" }""", "source.url", "is required for a git source" },
        { """{ "source": {"type": "git", "url": "--upload-pack=touch /tmp/x"}, "playbook": "a.yml" }""", "source.url", "must not begin with a dash" },
        { """{ "source": {"type": "git", "url": "file:///etc"}, "playbook": "a.yml" }""", "source.url", "must be https://" },
        { """{ "source": {"type": "git", "url": "ext::sh"}, "playbook": "a.yml" }""", "source.url", "must be https://" },
        { """{ "source": {"type": "git", "url": "https://user:pw@example.com/a.git"}, "playbook": "a.yml" }""", "source.url", "must not contain a password" },
        { """{ "source": {"type": "git", "url": "https://token@example.com/a.git"}, "playbook": "a.yml" }""", "source.url", "must not contain a password, or over http a user name" },
        { """{ "source": {"type": "git", "url": "https://example.com/a.git?token=x"}, "playbook": "a.yml" }""", "source.url", "must not have a query" },
        { """{ "source": {"type": "git", "url": "https://example.com/a.git", "ref": "--help"}, "playbook": "a.yml" }""", "source.ref", "must be a branch, a tag or a commit" },
        { $$"""{ {{Git}}, "inventory": {"path": "../hosts"} }""", "inventory.path", "must not lead out of the source" },
        { $$"""{ {{Inline}}, "labels": {"a": "x\u0000y"} }""", "labels", "must not contain the character U+0000" },
        { $$"""{ {{Inline}}, "extra_vars": {"a\u0000": [{"b": 1}]} }""", "extra_vars", "must not contain the character U+0000" },
        { $$"""{ {{Inline}}, "credentials": ["a\u0000"] }""", "credentials", "must not contain the character U+0000" },
        { $$"""{ {{Inline}}, "limit_hosts": ["all"] }""", "limit_hosts[0]", "not all" },
        { $$"""{ {{Inline}}, "not_before": "tomorrow" }""", "not_before", "must be a time as in RFC 3339" },
        { $$"""{ {{Inline}}, "not_before": "2099-01-01T00:00:00" }""", "not_before", "with Z or an offset" },
        { $$"""{ {{Inline}}, "expires_at": "2099-01-01" }""", "expires_at", "with Z or an offset" },
        { $$"""{ {{Inline}}, "not_before": "2099-01-01T01:00:00+02:00", "expires_at": "2098-12-31T23:00:00Z" }""", "expires_at", "must be after not_before" },
        { $$"""{ {{Inline}}, "retry_on": ["worker_los"] }""", "retry_on", "must be a list of some of: success, tasks_failed" },
        { $$"""{ {{Inline}}, "on_worker_lost": "retry", "max_attempts": 1 }""", "max_attempts", "must be at least 2 where retry_on or on_worker_lost asks" },
        { """[1]""", "$", "must be a JSON object" },
        { """{ "source": """, "$", "not valid JSON" },
        { $$"""{ {{Inline}}, "extra_vars": {{new string('[', 100)}}{{new string(']', 100)}} }""", "$", "nested too deeply: at most 64 levels" },
        { $$"""{ {{Inline}}, "forks": {{new string('[', 63)}}{{new string(']', 63)}} }""", "forks", "must be a whole number" },
        { $$"""{ {{Inline}}, "forks": {{new string('[', 64)}}{{new string(']', 64)}} }""", "$", "nested too deeply" },
        { $$"""{ {{Inline}}, "check": true, "check": false }""", "$", "the same field twice" },
    };

    [Theory]
    [MemberData(nameof(FaultyFields))]
    public async Task A_faulty_request_is_refused_by_field_and_stores_nothing(string body, string field, string message)
    {
        using var response = await api.System.Client.PostAsync("/api/v1/jobs", new StringContent(body, Encoding.UTF8, "application/json"));

        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        Assert.Equal("application/problem+json", response.Content.Headers.ContentType?.MediaType);
        var problem = await response.Content.ReadFromJsonAsync<JsonElement>();
        Assert.Equal("urn:aspirejobs:problem:invalid-request", problem.GetProperty("type").GetString());
        Assert.Matches("^[0-9a-f]{32}$", problem.GetProperty("trace_id").GetString());
        Assert.Contains(message, problem.GetProperty("errors").GetProperty(field)[0].GetString());
        var jobs = await api.System.Client.GetFromJsonAsync<JsonElement>("/api/v1/jobs");
        Assert.Equal(0, jobs.GetProperty("items").GetArrayLength());
    }

    [Fact]
    public async Task Hosts_of_an_inventory_may_be_addresses()
    {
        var errors = await ErrorsOfAsync($$"""{ {{Inline}}, "forks": 0, "inventory": {"hosts": ["127.0.0.1", "::1", "fe80::1", "db-1.example.com"]} }""");

        Assert.Equal(["forks"], errors.EnumerateObject().Select(error => error.Name));
    }

    [Theory]
    [InlineData("http://[::1]:8080/x")]
    [InlineData("http://127.0.0.1/")]
    [InlineData("https://bücher.example./")]
    [InlineData("http://web_1/")]
    public async Task A_callback_may_go_to_any_host_that_can_be_called(string url)
    {
        var errors = await ErrorsOfAsync($$"""{ {{Inline}}, "forks": 0, "callback_url": "{{url}}" }""");

        Assert.Equal(["forks"], errors.EnumerateObject().Select(error => error.Name));
    }

    [Fact]
    public async Task A_backslash_before_u0000_is_no_nul()
    {
        Assert.False((await ErrorsOfAsync($$"""{ {{Inline}}, "colour": 1, "labels": {"a": "\\u0000"} }""")).TryGetProperty("labels", out _));
        var errors = await ErrorsOfAsync($$"""{ {{Inline}}, "forks": 0, "labels": {"a": "\\u0000"} }""");

        Assert.Equal(["forks"], errors.EnumerateObject().Select(error => error.Name));
    }

    [Fact]
    public async Task Every_faulty_field_is_named_at_once()
    {
        var errors = await ErrorsOfAsync("""{ "colour": 1, "forks": "x", "source": {"shade": 2} }""");

        Assert.Equal(["colour", "forks", "source.shade"], errors.EnumerateObject().Select(error => error.Name).Order());
    }

    [Fact]
    public async Task A_body_that_is_wrong_in_many_thousand_places_is_told_of_a_hundred()
    {
        var labels = string.Join(',', Enumerable.Range(0, 80_000).Select(n => $"\"?{n}\":\"\""));

        var errors = await ErrorsOfAsync($$"""{ {{Inline}}, "labels": { {{labels}} } }""");

        Assert.Equal(100, errors.EnumerateObject().Sum(error => error.Value.GetArrayLength()));
    }

    [Fact]
    public async Task Two_megabytes_of_variables_are_refused()
    {
        var request = new { source = new { type = "inline", content = "- hosts: all" }, extra_vars = new { filler = new string('x', 2_000_000) } };

        using var response = await api.System.PostJobAsync(request);

        Assert.Equal(HttpStatusCode.RequestEntityTooLarge, response.StatusCode);
        var problem = await response.Content.ReadFromJsonAsync<JsonElement>();
        Assert.Equal("urn:aspirejobs:problem:body-too-large", problem.GetProperty("type").GetString());
    }

    [Fact]
    public async Task A_quarter_megabyte_of_variables_is_the_most()
    {
        var request = new { source = new { type = "inline", content = "- hosts: all" }, extra_vars = new { filler = new string('x', 256 * 1024) } };

        using var response = await api.System.PostJobAsync(request);

        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        Assert.Contains("extra_vars must be at most 256 KiB.", await response.Content.ReadAsStringAsync());
    }

    [Theory]
    [InlineData("text/plain", null, "not-json")]
    [InlineData("application/json; charset=utf-16", null, "not-utf-8")]
    [InlineData("application/json", "gzip", "encoded-body")]
    [InlineData("application/json", "br, gzip", "encoded-body")]
    public async Task A_body_of_another_kind_than_plain_JSON_in_UTF_8_is_refused(string type, string? encoding, string problem)
    {
        using var content = Content("{}", type, encoding);
        using var response = await api.System.Client.PostAsync("/api/v1/jobs", content);

        Assert.Equal(HttpStatusCode.UnsupportedMediaType, response.StatusCode);
        Assert.Equal($"urn:aspirejobs:problem:{problem}", (await response.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("type").GetString());
        Assert.Equal(encoding is null ? [] : ["identity"], response.Headers.TryGetValues("Accept-Encoding", out var accepted) ? accepted : []);
    }

    [Theory]
    [InlineData("application/json; charset=\"UTF-8\"", null)]
    [InlineData("application/json", "identity")]
    public async Task A_byte_order_mark_is_passed_over_and_what_says_nothing_new_about_the_body_is_accepted(string type, string? encoding)
    {
        using var content = Content("\uFEFF{}", type, encoding);
        using var response = await api.System.Client.PostAsync("/api/v1/jobs", content);

        Assert.Contains("source is required", await response.Content.ReadAsStringAsync());
    }

    static ByteArrayContent Content(string body, string type, string? encoding)
    {
        var content = new ByteArrayContent(Encoding.UTF8.GetBytes(body)) { Headers = { ContentType = MediaTypeHeaderValue.Parse(type) } };
        if (encoding is not null)
            content.Headers.TryAddWithoutValidation("Content-Encoding", encoding);
        return content;
    }

    async Task<JsonElement> ErrorsOfAsync(string body)
    {
        using var response = await api.System.Client.PostAsync("/api/v1/jobs", new StringContent(body, Encoding.UTF8, "application/json"));
        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        return (await response.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("errors");
    }
}

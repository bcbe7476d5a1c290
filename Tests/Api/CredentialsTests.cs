using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using AspireJobs.Jobs.Credentials;
using AspireJobs.Tests.Infrastructure;
using Npgsql;

namespace AspireJobs.Tests.Api;

/// <summary>Credentials go in and never come out, neither by the API nor by the database.</summary>
public sealed class CredentialsTests(ApiAlone api) : IClassFixture<ApiAlone>
{
    const string Secret = "correct-horse-battery-staple";

    [Fact]
    public async Task A_credential_is_listed_without_its_values()
    {
        using var created = await CreateAsync("listed", "password", new { username = "deploy", password = Secret });
        Assert.Equal(HttpStatusCode.Created, created.StatusCode);

        var list = await api.System.Client.GetStringAsync("/api/v1/credentials");

        Assert.Contains(await created.Content.ReadAsStringAsync(), list);
        Assert.DoesNotContain(Secret, list);
        Assert.Contains("""{"name":"listed","type":"password","fields":["password","username"],"created_at":""", list);
    }

    [Fact]
    public async Task The_database_holds_only_what_is_sealed_under_name_and_master_key()
    {
        await CreateAsync("sealed", "variables", new { api_token = Secret });
        await using var db = NpgsqlDataSource.Create(api.System.Postgres);
        await using var command = db.CreateCommand("select sealed from credentials where name = 'sealed'");
        var box = (byte[])(await command.ExecuteScalarAsync())!;
        var key = api.System.MasterKey.Derive("credentials");

        Assert.DoesNotContain(Secret, System.Text.Encoding.Latin1.GetString(box));
        Assert.Contains(Secret, System.Text.Encoding.UTF8.GetString(SealedBox.Open(key, "sealed", box)));
        Assert.ThrowsAny<System.Security.Cryptography.CryptographicException>(() => SealedBox.Open(key, "another", box));
        Assert.ThrowsAny<System.Security.Cryptography.CryptographicException>(() => SealedBox.Open(new byte[32], "sealed", box));
        box[^1] ^= 1;
        Assert.ThrowsAny<System.Security.Cryptography.CryptographicException>(() => SealedBox.Open(key, "sealed", box));
    }

    [Fact]
    public async Task Secret_variables_are_sealed_under_their_job()
    {
        var id = await api.System.SubmitAsync(new { source = new { type = "inline", content = "- hosts: all" }, secret_vars = new { token = Secret } });
        await using var db = NpgsqlDataSource.Create(api.System.Postgres);
        await using var command = db.CreateCommand($"select sealed, request::text from jobs where id = '{id.Value}'");
        await using var row = await command.ExecuteReaderAsync();
        await row.ReadAsync();
        var (box, request) = (row.GetFieldValue<byte[]>(0), row.GetString(1));
        var key = api.System.MasterKey.Derive("secret-vars");

        Assert.Contains("\"secret_vars\":{\"token\":\"***\"}", request);
        Assert.DoesNotContain(Secret, System.Text.Encoding.Latin1.GetString(box));
        Assert.Equal($$"""{"token":"{{Secret}}"}""", System.Text.Encoding.UTF8.GetString(SealedBox.Open(key, id.ToString(), box)));
        Assert.ThrowsAny<System.Security.Cryptography.CryptographicException>(() => SealedBox.Open(key, JobId(1), box));

        static string JobId(int number) => $"job-00000000-0000-7000-8000-{number:x12}";
    }

    [Fact]
    public async Task A_deleted_credential_is_gone()
    {
        await CreateAsync("short-lived", "password", new { password = Secret });

        Assert.Equal(HttpStatusCode.NoContent, (await api.System.Client.DeleteAsync("/api/v1/credentials/short-lived")).StatusCode);
        Assert.Equal(HttpStatusCode.NotFound, (await api.System.Client.DeleteAsync("/api/v1/credentials/short-lived")).StatusCode);
    }

    [Fact]
    public async Task A_taken_name_is_a_conflict_and_the_first_value_stays()
    {
        await CreateAsync("taken", "password", new { password = Secret });

        using var second = await CreateAsync("taken", "variables", new { other = "value" });

        Assert.Equal(HttpStatusCode.Conflict, second.StatusCode);
        var list = await api.System.Client.GetFromJsonAsync<JsonElement>("/api/v1/credentials");
        Assert.Equal("password", list.GetProperty("items").EnumerateArray().Single(item => item.GetProperty("name").GetString() == "taken").GetProperty("type").GetString());
    }

    [Theory]
    [InlineData("""{"name":"-x","type":"password","values":{"password":"abcd"}}""", "name")]
    [InlineData("""{"name":"x","type":"magic","values":{"password":"abcd"}}""", "type")]
    [InlineData("""{"name":"x","type":"password"}""", "values")]
    [InlineData("""{"name":"x","type":"password","values":{"username":"u"}}""", "values.password")]
    [InlineData("""{"name":"x","type":"password","values":{"password":"abc"}}""", "values.password")]
    [InlineData("""{"name":"x","type":"password","values":{"password":"abcd","shell":"sh"}}""", "values.shell")]
    [InlineData("""{"name":"x","type":"password","values":{"password":"abcd","username":"-oProxy=x"}}""", "values.username")]
    [InlineData("""{"name":"x","type":"password","values":{"password":"abcd\nefgh"}}""", "values.password")]
    [InlineData("""{"name":"x","type":"password","values":{"password":"abcd\r"}}""", "values.password")]
    [InlineData("""{"name":"x","type":"vault_password","values":{"password":"abcd","vault_id":"a@b"}}""", "values.vault_id")]
    [InlineData("""{"name":"x","type":"vault_password","values":{"password":"abcd","vault_id":"-a"}}""", "values.vault_id")]
    [InlineData("""{"name":"x","type":"variables","values":{"no name":"abcd"}}""", "values.no name")]
    [InlineData("""{"name":"x","type":"variables","values":{"a":1}}""", "values")]
    [InlineData("""{"name":"x","type":"variables","values":{"a":null}}""", "values.a")]
    [InlineData("""{"name":"x\n","type":"password","values":{"password":"abcd"}}""", "name")]
    public async Task A_faulty_credential_is_refused_by_field(string body, string field)
    {
        using var response = await api.System.Client.PostAsync("/api/v1/credentials", new StringContent(body, System.Text.Encoding.UTF8, "application/json"));

        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        Assert.True((await response.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("errors").TryGetProperty(field, out _), await response.Content.ReadAsStringAsync());
    }

    [Theory]
    [InlineData("https://example.com/a.git", "password", null)]
    [InlineData("https://example.com/a.git", "ssh_key", "names a credential of type ssh_key; a repository over https takes one of type password")]
    [InlineData("http://example.com/a.git", "variables", "takes one of type password")]
    [InlineData("ssh://git@example.com/a.git", "ssh_key", null)]
    [InlineData("git@example.com:a.git", "password", "names a credential of type password; a repository over ssh takes one of type ssh_key")]
    public async Task A_credential_that_cannot_open_the_repository_is_refused(string url, string type, string? fault)
    {
        var name = $"git-{type}-{url.Length}";
        await CreateAsync(name, type, new Dictionary<string, string> { [type == "ssh_key" ? "private_key" : "password"] = Secret });

        using var response = await api.System.PostJobAsync(new { source = new { type = "git", url, credential = name }, playbook = "site.yml" });

        var answer = await response.Content.ReadFromJsonAsync<JsonElement>();
        Assert.Equal(fault is null ? HttpStatusCode.Accepted : HttpStatusCode.BadRequest, response.StatusCode);
        if (fault is not null)
            Assert.Contains(fault, answer.GetProperty("errors").GetProperty("source.credential")[0].GetString());
    }

    Task<HttpResponseMessage> CreateAsync(string name, string type, object values) =>
        api.System.Client.PostAsJsonAsync("/api/v1/credentials", new { name, type, values });
}

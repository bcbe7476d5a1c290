using System.Net;
using System.Net.Http.Json;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using AspireJobs.Jobs;
using AspireJobs.Tests.Infrastructure;
using Npgsql;

namespace AspireJobs.Tests.Telemetry;

/// <summary>Secrets stay in: jobs that have them everywhere, and a search of everything that comes out.</summary>
[Collection(Watched.Name)]
public sealed class SecretsTests(WatchedSystem system)
{
    static readonly string Mark = Guid.NewGuid().ToString("N");

    // What JSON, URLs and shells would write differently is in them.
    static readonly string Variable = $"v4riable-{Mark}-\"ü+&=/ end";
    static readonly string Password = $"p4ssword-{Mark}-'$&%";
    static readonly string Vault = $"v4ult-{Mark}-<>";
    static readonly string GitPassword = $"g1t-{Mark}@:/?";
    static readonly string UrlPassword = $"url-{Mark}";
    static readonly string[] KeyLines = [$"k3y-one-{Mark}/+", $"k3y-two-{Mark}=="];
    static readonly string Key = $"-----BEGIN OPENSSH PRIVATE KEY-----\n{string.Join('\n', KeyLines)}\n-----END OPENSSH PRIVATE KEY-----\n";
    static readonly string[] TextLines = [$"t3xt-one-{Mark}", $"t3xt-two-{Mark}"];
    static readonly string Unlogged = $"n0log-{Mark}";
    static readonly string SecretVar = $"s3cretvar-{Mark}-\"ö\\/ end";
    static readonly string[] SecretVarLines = [$"s3cret-one-{Mark}", $"s3cret-two-{Mark}"];

    static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public async Task No_secret_leaves_by_log_trace_metric_database_job_log_event_callback_or_process_list()
    {
        await using var receiver = await CallbackReceiver.StartAsync(503);
        var secrets = await StoreAsync();
        var outputs = new List<(string Where, string Text)>();

        await RefusedUrlAsync(outputs);
        var fetched = await system.RunAsync(new { source = new { type = "git", url = "http://127.0.0.1:1/none.git", credential = "mark-git" }, playbook = "site.yml", callback_url = receiver.Url });
        Assert.Equal(JobOutcome.SourceFetchFailed, fetched.Outcome);
        var job = await RunAsync(receiver.Url, outputs);
        Assert.Equal((JobOutcome.TasksFailed, true), (job.Outcome, job.Failure!.Message.Contains("in the end", StringComparison.Ordinal)));

        foreach (var id in new[] { fetched.Id, job.Id })
        {
            outputs.Add(("callback", (await receiver.NextAsync()).Body));
            foreach (var path in new[] { "", "/logs", "/events?limit=1000", "/deliveries" })
                outputs.Add(($"GET {path}", await system.Client.GetStringAsync($"/api/v1/jobs/{id}{path}", Stop)));
        }
        await system.Collector.TraceAsync(job.TraceId!, "worker.execute", "send_webhook");
        outputs.AddRange(await DatabaseAsync());
        foreach (var service in system.Services)
        {
            outputs.Add(("/metrics", (await system.MetricsAsync(service.Address)).Text));
            outputs.Add(("standard output", string.Join('\n', service.Lines.Concat(service.Errors))));
        }
        outputs.AddRange(system.Collector.Payloads.Select(payload => ("OTLP", Encoding.UTF8.GetString(payload.Message))));

        // The search looks where something could be.
        Assert.Contains(outputs, output => output.Where == "GET /logs" && output.Text.Contains("*** *** ***", StringComparison.Ordinal));
        Assert.Contains(outputs, output => output.Where == "OTLP" && output.Text.Contains("task Tell", StringComparison.Ordinal));
        foreach (var (where, text) in outputs)
            foreach (var (name, secret) in secrets)
                foreach (var form in Forms(secret))
                    Assert.False(text.Contains(form, StringComparison.Ordinal), $"{name} is in {where} as {form}:\n{Around(text, form)}");
    }

    async Task<Dictionary<string, string>> StoreAsync()
    {
        await CreateAsync("mark-variables", "variables", new { token = Variable, text = string.Join('\n', TextLines) });
        await CreateAsync("mark-password", "password", new { username = "deploy", password = Password });
        await CreateAsync("mark-vault", "vault_password", new { password = Vault });
        await CreateAsync("mark-key", "ssh_key", new { private_key = Key });
        await CreateAsync("mark-git", "password", new { username = "git", password = GitPassword });
        var webhook = (await system.Client.GetFromJsonAsync<JsonElement>("/api/v1/webhook-secret", Stop)).GetProperty("secret").GetString()!;
        using var created = await system.Client.PostAsJsonAsync("/api/v1/api-keys", new { name = "mark-key" }, Stop);
        var apiKey = (await created.Content.ReadFromJsonAsync<JsonElement>(Stop)).GetProperty("key").GetString()!;
        using (var request = new HttpRequestMessage(HttpMethod.Get, "/api/v1/jobs") { Headers = { { "X-API-Key", apiKey } } })
        using (await system.Client.SendAsync(request, Stop))
        {
        }
        return new()
        {
            ["variable"] = Variable, ["text"] = string.Join('\n', TextLines), ["key"] = Key.Trim(), ["secret text"] = string.Join('\n', SecretVarLines), ["first line of a variable"] = TextLines[0], ["second line of a variable"] = TextLines[1],
            ["password"] = Password, ["vault password"] = Vault, ["first line of a key"] = KeyLines[0], ["second line of a key"] = KeyLines[1],
            ["secret variable"] = SecretVar, ["first line of a secret variable"] = SecretVarLines[0], ["second line of a secret variable"] = SecretVarLines[1],
            ["git password"] = GitPassword, ["password in a URL"] = UrlPassword, ["no_log result"] = Unlogged,
            ["webhook secret"] = webhook, ["API key"] = apiKey, ["admin's API key"] = Stores.AdminKey,
        };
    }

    async Task CreateAsync(string name, string type, object values)
    {
        using var created = await system.Client.PostAsJsonAsync("/api/v1/credentials", new { name, type, values }, Stop);
        Assert.Equal(HttpStatusCode.Created, created.StatusCode);
    }

    async Task RefusedUrlAsync(List<(string, string)> outputs)
    {
        using var refused = await system.Client.PostAsJsonAsync("/api/v1/jobs", new { source = new { type = "git", url = $"https://user:{UrlPassword}@example.com/x.git" }, playbook = "site.yml" }, Stop);
        Assert.Equal(HttpStatusCode.BadRequest, refused.StatusCode);
        outputs.Add(("problem", await refused.Content.ReadAsStringAsync(Stop)));
        using var faulty = await system.Client.PostAsJsonAsync("/api/v1/jobs", new { source = new { type = "inline", content = "- hosts: all" }, secret_vars = new Dictionary<string, string> { ["no name"] = SecretVar } }, Stop);
        Assert.Equal(HttpStatusCode.BadRequest, faulty.StatusCode);
        outputs.Add(("problem", await faulty.Content.ReadAsStringAsync(Stop)));
    }

    /// <summary>Runs a playbook that tells what it knows in every way, looks at all processes while it waits, and lets it fail with the secrets in its message.</summary>
    async Task<Job> RunAsync(string callbackUrl, List<(string, string)> outputs)
    {
        var gate = Path.Combine(Path.GetTempPath(), $"aspirejobs-gate-{Mark}");
        var id = await system.SubmitAsync(new
        {
            source = new
            {
                type = "inline",
                content = $$$"""
                    - hosts: localhost
                      gather_facts: false
                      tasks:
                        - name: Tell
                          debug: {msg: "{{ token }} {{ token | b64encode }} {{ token | urlencode }} {{ token | to_json }} {{ text }} {{ text | b64encode }} {{ text.splitlines()[1] | b64encode }} {{ text | urlencode }} {{ text | to_json }} {{ ansible_password }} {{ pin }} {{ pin | b64encode }} {{ pin | urlencode }} {{ pin | to_json }} {{ pins }}"}
                        - name: Tell nobody
                          debug: {msg: "{{ 'n0log-' ~ '{{{Mark}}}' }}"}
                          no_log: true
                        - name: Tell nobody of each
                          debug: {msg: "{{ item }}"}
                          loop: ["{{ 'n0log-' ~ '{{{Mark}}}' }}"]
                          no_log: true
                        - name: Fail without a word
                          fail: {msg: "{{ 'n0log-' ~ '{{{Mark}}}' }}"}
                          no_log: true
                          ignore_errors: true
                        - name: Read the key
                          debug: {msg: "{{ lookup('file', ansible_private_key_file) }} {{ lookup('file', ansible_private_key_file) | b64encode }}"}
                        - name: Wait
                          wait_for: {path: {{{gate}}}, timeout: 60, sleep: 1}
                        - name: Fail
                          fail: {msg: "{{ token }} {{ ansible_password }} {{ pin }} in the end"}
                    """,
            },
            credentials = new[] { "mark-variables", "mark-password", "mark-vault", "mark-key" },
            secret_vars = new { pin = SecretVar, pins = string.Join('\n', SecretVarLines) },
            callback_url = callbackUrl,
        });
        using (var log = new StreamReader(await system.Client.GetStreamAsync($"/api/v1/jobs/{id}/logs?follow=true", Stop)))
            while (await log.ReadLineAsync(Stop) is { } line && !line.Contains("TASK [Wait]", StringComparison.Ordinal))
            {
            }
        outputs.AddRange(Processes.Everything().Select(text => ("/proc", text)));
        await File.WriteAllTextAsync(gate, "", Stop);
        var job = await system.WaitAsync(id);
        File.Delete(gate);
        return job;
    }

    /// <summary>Every row of every table, without the column that holds sealed values.</summary>
    async Task<List<(string, string)>> DatabaseAsync()
    {
        await using var db = NpgsqlDataSource.Create(system.Postgres);
        var rows = new List<(string, string)>();
        foreach (var table in await TextsAsync("select table_name::text from information_schema.tables where table_schema = 'public'"))
            rows.AddRange((await TextsAsync($"select (to_jsonb(t) - 'sealed')::text from {table} t")).Select(row => ($"table {table}", row)));
        Assert.Contains(rows, row => row.Item1 == "table credentials");
        return rows;

        async Task<List<string>> TextsAsync(string sql)
        {
            await using var command = db.CreateCommand(sql);
            await using var reader = await command.ExecuteReaderAsync(Stop);
            var texts = new List<string>();
            while (await reader.ReadAsync(Stop))
                texts.Add(reader.GetString(0));
            return texts;
        }
    }

    static IEnumerable<string> Forms(string secret) => new[]
    {
        secret,
        Convert.ToBase64String(Encoding.UTF8.GetBytes(secret)),
        Uri.EscapeDataString(secret),
        WebUtility.UrlEncode(secret),
        JsonEncodedText.Encode(secret).Value,
        JsonEncodedText.Encode(secret, JavaScriptEncoder.UnsafeRelaxedJsonEscaping).Value,
    }.Distinct();

    static string Around(string text, string form)
    {
        var at = text.IndexOf(form, StringComparison.Ordinal);
        return text[Math.Max(0, at - 200)..Math.Min(text.Length, at + form.Length + 200)];
    }
}

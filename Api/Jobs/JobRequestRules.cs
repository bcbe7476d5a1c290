using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using AspireJobs.Api.Credentials;
using AspireJobs.Api.Http;
using AspireJobs.Jobs;
using AspireJobs.Jobs.Credentials;

namespace AspireJobs.Api.Jobs;

/// <summary>What makes a request for a job acceptable. Every fault is found, not just the first.</summary>
static partial class JobRequestRules
{
    public static Errors Check(JobRequest request)
    {
        var errors = new Errors();
        if (request.Source is null)
            errors.Add("source", "source is required: where the playbook comes from.");
        else
            CheckSource(request.Source, errors);
        CheckPlaybook(request, errors);
        if (request.Inventory is not null)
            CheckInventory(request.Inventory, request.Source?.Type, errors);
        CheckOptions(request, errors);
        CheckRunning(request, errors);
        CheckLabels(request, errors);
        return errors;
    }

    static void CheckSource(JobSource source, Errors errors)
    {
        errors.Require(source.Type is not null, "source.type", $"must be one of: {string.Join(", ", SnakeCase.All<SourceType>())}");
        Belongs(SourceType.Inline, source.Content, "source.content");
        Belongs(SourceType.Git, source.Url, "source.url");
        Belongs(SourceType.Git, source.Ref, "source.ref");
        Belongs(SourceType.Git, source.Credential, "source.credential");
        Belongs(SourceType.Local, source.Path, "source.path");
        Belongs(SourceType.Local, source.Digest, "source.digest");
        if (source.Type == SourceType.Inline)
            errors.Require(source.Content is { Length: > 0 } content && Encoding.UTF8.GetByteCount(content) <= Limits.TextBytes,
                "source.content", $"must be the text of a playbook, at most {Limits.TextBytes / 1024} KiB");
        if (source.Type == SourceType.Git)
            errors.AddFault("source.url", source.Url is null ? "is required for a git source" : GitAddress.Fault(source.Url));
        if (source is { Type: SourceType.Git, Ref: not null })
            errors.Require(source.Ref.Length <= 255 && GitRef.IsValid(source.Ref), "source.ref", "must be a branch, a tag or a commit");
        if (source is { Type: SourceType.Local, Path: not null })
            errors.AddFault("source.path", PathFault(source.Path));
        errors.Require(source.Digest is null || DigestForm().IsMatch(source.Digest), "source.digest", "must be sha256: and 64 hexadecimal digits");

        void Belongs(SourceType type, string? value, string field) =>
            errors.Require(value is null || source.Type is null || source.Type == type, field, $"belongs to a source of type {type.Word()}");
    }

    static void CheckPlaybook(JobRequest request, Errors errors)
    {
        if (request.Source?.Type == SourceType.Inline)
            errors.Require(request.Playbook is null, "playbook", "does not go with an inline source, whose content is the playbook");
        else
            errors.AddFault("playbook", request.Playbook is null ? "is required: its path in the source" : PathFault(request.Playbook));
    }

    static void CheckInventory(JobInventory inventory, SourceType? source, Errors errors)
    {
        var given = (inventory.Path is null ? 0 : 1) + (inventory.Content is null ? 0 : 1) + (inventory.Hosts is null ? 0 : 1);
        errors.Require(given == 1, "inventory", "must have exactly one of: path, content, hosts");
        if (inventory.Path is { } path)
            errors.AddFault("inventory.path", source == SourceType.Inline ? "does not go with an inline source, which has no other files" : PathFault(path));
        if (inventory.Content is { } content)
            errors.Require(content.Length > 0 && Encoding.UTF8.GetByteCount(content) <= Limits.TextBytes, "inventory.content", $"must be 1 byte to {Limits.TextBytes / 1024} KiB of text");
        if (inventory.Hosts is { } hosts)
        {
            errors.Require(hosts.Count is >= 1 and <= Limits.Hosts, "inventory.hosts", $"must have 1 to {Limits.Hosts} entries");
            Each(hosts, "inventory.hosts", errors, HostFault);
        }
    }

    static void CheckOptions(JobRequest request, Errors errors)
    {
        if (request.ExtraVars is { } variables)
        {
            errors.Require(variables.ValueKind == JsonValueKind.Object, "extra_vars", "must be an object");
            errors.Require(Encoding.UTF8.GetByteCount(variables.GetRawText()) <= Limits.ExtraVarsBytes, "extra_vars", $"must be at most {Limits.ExtraVarsBytes / 1024} KiB");
            // The job stands a few levels down in lists, and no reader takes more than 64.
            errors.Require(Depth(variables) <= Limits.ExtraVarsDepth, "extra_vars", $"must be nested at most {Limits.ExtraVarsDepth} levels deep");
            errors.Require(IsText(variables), "extra_vars", "must not contain half of a surrogate pair");
        }
        if (request.SecretVars is { } secrets)
            CheckSecretVars(secrets, request.ExtraVars, errors);
        if (request.Limit is { } limit)
            errors.Require(limit.Length is > 0 and <= 1024 && limit[0] != '-' && !limit.Any(char.IsControl) && AnsiblePattern.IsLimit(limit), "limit", "must be a host pattern of 1 to 1,024 characters that names hosts");
        if (request.LimitHosts is { } hosts)
        {
            errors.Require(hosts.Count is >= 1 and <= Limits.LimitHosts, "limit_hosts", $"must have 1 to {Limits.LimitHosts:N0} entries");
            errors.Require(request.Limit is null, "limit_hosts", "does not go with limit");
            Each(hosts, "limit_hosts", errors, LimitHostFault);
        }
        errors.Require(request.Tags.Count <= Limits.Tags, "tags", $"must be at most {Limits.Tags}");
        errors.Require(request.SkipTags.Count <= Limits.Tags, "skip_tags", $"must be at most {Limits.Tags}");
        Each(request.Tags, "tags", errors, TagFault);
        Each(request.SkipTags, "skip_tags", errors, TagFault);
        errors.Require(request.Verbosity is >= 0 and <= 4, "verbosity", "must be 0 to 4");
        errors.Require(request.Forks is null or >= 1 and <= 100, "forks", "must be 1 to 100");
        errors.Require(request.TimeoutSeconds is >= 1 and <= 86_400, "timeout_seconds", "must be 1 to 86,400");
        if (request.CallbackUrl is { } url)
            errors.AddFault("callback_url", CallbackFault(url));
        errors.Require(request.Credentials.Count <= Limits.Credentials, "credentials", $"must be at most {Limits.Credentials}");
        errors.Require(request.Credentials.Distinct().Count() == request.Credentials.Count, "credentials", "must not name one twice");
        // Whether they exist is asked only when all else is right.
        Each(request.Credentials, "credentials", errors, _ => null);
    }

    static void CheckSecretVars(IReadOnlyDictionary<string, string> secrets, JsonElement? variables, Errors errors)
    {
        errors.Require(secrets.Count is > 0 and <= Limits.SecretVars, "secret_vars", $"must be an object with 1 to {Limits.SecretVars} fields");
        foreach (var (name, value) in secrets)
        {
            if (value == SecretVars.Mask)
                errors.AddFault($"secret_vars.{name}", "is the mask that answers show; give the value itself");
            else
                CredentialsApi.CheckVariable($"secret_vars.{name}", name, value, errors);
            errors.Require(variables is not { ValueKind: JsonValueKind.Object } plain || !plain.TryGetProperty(name, out _), $"secret_vars.{name}", "is in extra_vars as well");
        }
    }

    static void CheckRunning(JobRequest request, Errors errors)
    {
        errors.Require(request.IdleTimeoutSeconds is null or >= 1 and <= 86_400, "idle_timeout_seconds", "must be 1 to 86,400");
        errors.Require(Names.Fault(request.Queue) is null, "queue", "must be the name of a queue");
        errors.Require(request.Priority is >= 0 and <= 9, "priority", "must be 0 to 9");
        errors.Require(request.ConcurrencyKey is null || request.ConcurrencyKey.Length is >= 1 and <= 200 && !request.ConcurrencyKey.Any(char.IsControl), "concurrency_key", "must be 1 to 200 characters, none of them a control character");
        errors.Require(request.ConcurrencyLimit is null or >= 1 and <= 1000, "concurrency_limit", "must be 1 to 1,000");
        errors.Require(request.ConcurrencyLimit is null || request.ConcurrencyKey is not null, "concurrency_limit", "goes only with a concurrency_key");
        errors.Require(request.ExpiresAt is null || request.NotBefore is null || request.ExpiresAt > request.NotBefore, "expires_at", "must be after not_before");
        errors.Require(request.MaxAttempts is null or >= 1 and <= 100, "max_attempts", "must be 1 to 100");
        errors.Require(request.MaxAttempts != 1 || request.OnWorkerLost != OnWorkerLost.Retry && request.RetryOn is not { Count: > 0 }, "max_attempts", "must be at least 2 where retry_on or on_worker_lost asks for another attempt");
        errors.Require(request.RetryOn is null || request.RetryOn.All(Retried.Contains), "retry_on", $"must be some of: {string.Join(", ", Retried.Select(outcome => outcome.Word()))}");
        errors.Require(request.RetryBackoffSeconds is null or >= 1 and <= 3600, "retry_backoff_seconds", "must be 1 to 3,600");
        CheckTaskName("start_at_task", request.StartAtTask, errors);
    }

    /// <summary>Whether a task can have this name.</summary>
    public static void CheckTaskName(string field, string? name, Errors errors) =>
        errors.Require(name is null || name.Length is >= 1 and <= 1024 && !name.Any(char.IsControl), field, "must be the name of a task, of 1 to 1,024 characters");

    // Not what a caller or a clock ended, nor what no repetition can mend; a lost worker has a field of its own.
    static readonly JobOutcome[] Retried =
    [
        JobOutcome.TasksFailed, JobOutcome.HostsUnreachable, JobOutcome.SourceFetchFailed, JobOutcome.TimedOut, JobOutcome.IdleTimedOut, JobOutcome.InternalError,
    ];

    static void CheckLabels(JobRequest request, Errors errors)
    {
        errors.Require(request.Labels.Count <= Limits.Labels, "labels", $"must be at most {Limits.Labels}");
        foreach (var (name, value) in request.Labels)
        {
            errors.Require(LabelForm().IsMatch(name), "labels", $"has a bad name '{name}': 1 to 63 letters, digits, dots, dashes, slashes or underscores");
            if (value is not { Length: <= 256 })
                errors.AddFault($"labels.{name}", "must be a string of at most 256 characters");
        }
    }

    /// <summary>Whether the credentials that a request names exist and are of use where they are named.</summary>
    public static void CheckCredentials(JobRequest request, IReadOnlyDictionary<string, CredentialType> known, Errors errors)
    {
        if (request.Source!.Credential is { } source)
            errors.AddFault("source.credential", Unknown(source) ?? MisfitFault(request.Source.Url, known[source]));
        Each(request.Credentials, "credentials", errors, Unknown);
        foreach (var type in new[] { CredentialType.SshKey, CredentialType.Password })
            errors.Require(request.Credentials.Count(name => known.TryGetValue(name, out var found) && found == type) <= 1, "credentials", $"must have at most one of type {type.Word()}");

        string? Unknown(string name) => known.ContainsKey(name) ? null : $"names a credential that does not exist: '{name}'";
    }

    static string? MisfitFault(string? url, CredentialType type) => GitAddress.TryParse(url, out var address) && type != address.CredentialType
        ? $"names a credential of type {type.Word()}; a repository over {address.Scheme} takes one of type {address.CredentialType.Word()}"
        : null;

    static void Each(IReadOnlyList<string> values, string field, Errors errors, Func<string, string?> fault)
    {
        for (var i = 0; i < values.Count; i++)
            if ((values[i] is null ? "must not be null" : fault(values[i])) is { } wrong)
                errors.AddFault($"{field}[{i}]", wrong);
    }

    /// <summary>Whether a path stays in the source as it is written. Where its links lead is seen on the worker, where the source is.</summary>
    static string? PathFault(string path) =>
        path.Length is 0 or > 1024 || path.Any(char.IsControl) ? "must be 1 to 1,024 characters long, none of them a control character"
        : path[0] == '/' || path.Contains('\\') ? "must be relative to the source, with / between folders"
        : path[0] == '-' ? "must not begin with a dash"
        : path.Split('/').Contains("..") ? "must not lead out of the source"
        : null;

    static int Depth(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Object => 1 + value.EnumerateObject().Select(member => Depth(member.Value)).DefaultIfEmpty().Max(),
        JsonValueKind.Array => 1 + value.EnumerateArray().Select(Depth).DefaultIfEmpty().Max(),
        _ => 0,
    };

    static bool IsText(JsonElement value)
    {
        try
        {
            JsonSerializer.SerializeToUtf8Bytes(value, JobsJson.Default.JsonElement);
            return true;
        }
        catch (JsonException)
        {
            return false;
        }
    }

    // Ansible has groups of these names, and a host in a group of its own name leads in a circle.
    static string? HostFault(string host) =>
        !HostForm().IsMatch(host) ? "must be a host name or an address"
        : host.Split(':')[0] is "all" or "ungrouped" ? "must not be all or ungrouped, which are groups of Ansible's own"
        : null;

    // In a file of limits each line is stripped, and these beginnings make it something else than a name; all is no host to Ansible.
    static string? LimitHostFault(string host) =>
        host.Length is 0 or > 255 || host.Any(char.IsControl) || host != host.Trim() || "!&~@".Contains(host[0]) || host == "all"
            ? "must be a name of 1 to 255 characters, without control characters, without blanks at its ends, not all, and not begin with !, &, ~ or @"
            : null;

    static string? TagFault(string tag) => TagForm().IsMatch(tag) ? null : "must be a tag: letters, digits, dots, dashes, colons or underscores";

    static string? CallbackFault(string url) =>
        url.Length > 2048 || url.Any(char.IsControl) || !Uri.TryCreate(url, UriKind.Absolute, out var uri) || uri.Scheme is not ("http" or "https") || uri.Host.Length == 0 ? "must be an http or https URL of at most 2,048 characters"
        : uri.UserInfo.Length > 0 ? "must not contain a user name or password"
        : !CanBeLookedUp(uri) ? "must have a host name that DNS can hold: also in its ASCII form (IDN) at most 253 characters, and at most 63 between dots"
        : null;

    static bool CanBeLookedUp(Uri uri)
    {
        try
        {
            var host = uri.IdnHost.TrimEnd('.');
            return Ascii.IsValid(host) && host.Length <= 253 && host.Split('.').All(label => label.Length <= 63);
        }
        catch (UriFormatException)
        {
            // It has no ASCII form.
            return false;
        }
    }

    [GeneratedRegex(@"^(::)?[A-Za-z0-9_\[][A-Za-z0-9_.:%\[\]-]{0,250}\z")]
    private static partial Regex HostForm();

    [GeneratedRegex(@"^[A-Za-z0-9_][A-Za-z0-9_.:-]{0,127}\z")]
    private static partial Regex TagForm();

    [GeneratedRegex(@"^sha256:[0-9a-f]{64}\z")]
    private static partial Regex DigestForm();

    [GeneratedRegex(@"^[A-Za-z0-9][A-Za-z0-9._/-]{0,62}\z")]
    private static partial Regex LabelForm();
}

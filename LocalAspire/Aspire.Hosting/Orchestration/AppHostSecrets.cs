using System.Reflection;
using System.Text.Json;
using System.Text.Json.Nodes;
using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Publishing;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Configuration.EnvironmentVariables;
using Microsoft.Extensions.Configuration.Json;
using Microsoft.Extensions.Configuration.Memory;
using Microsoft.Extensions.Configuration.UserSecrets;

namespace LocalAspire;

/// <summary>The file that <c>dotnet user-secrets</c> keeps for the AppHost; without a file, values last as long as the process.</summary>
sealed class AppHostSecrets(string? path)
{
    static readonly JsonSerializerOptions Indented = new() { WriteIndented = true };

    readonly Lock _lock = new();

    public string? Path => path;

    /// <summary>Finds the file and puts its values into the configuration, below environment variables and command line.</summary>
    public static AppHostSecrets Load(ConfigurationManager configuration, Assembly? appHost)
    {
        // In the environment Development the host has added the file already.
        var sources = ((IConfigurationBuilder)configuration).Sources;
        foreach (var added in sources.OfType<JsonConfigurationSource>().Where(s => s.Path == "secrets.json").ToArray())
            sources.Remove(added);

        // Tests switch it off, so that they neither read nor write what belongs to the user.
        var id = configuration.GetValue("LocalAspire:UserSecrets", true) ? appHost?.GetCustomAttribute<UserSecretsIdAttribute>()?.UserSecretsId : null;
        if (id is null)
            return new(null);

        var path = PathHelper.GetSecretsPathFromSecretsId(id);
        var values = new ConfigurationBuilder().AddJsonFile(path, optional: true).Build().AsEnumerable();
        var environment = sources.LastOrDefault(s => s is EnvironmentVariablesConfigurationSource { Prefix: null or "" });
        sources.Insert(environment is null ? 0 : sources.IndexOf(environment), new MemoryConfigurationSource { InitialData = values });
        return new(path);
    }

    public static AppHostSecrets Of(IDistributedApplicationBuilder builder) =>
        (AppHostSecrets)builder.Services.Last(s => s.ServiceType == typeof(AppHostSecrets)).ImplementationInstance!;

    public void Set(string key, string value)
    {
        if (path is null)
            return;

        lock (_lock)
        {
            var secrets = File.Exists(path) ? JsonNode.Parse(File.ReadAllText(path)) as JsonObject ?? [] : [];
            secrets[key] = value;
            PrivateFiles.CreateDirectory(System.IO.Path.GetDirectoryName(path)!);
            PrivateFiles.Write(path, secrets.ToJsonString(Indented));
        }
    }
}

/// <summary>A generated value that is generated only once.</summary>
sealed class PersistedParameterDefault(AppHostSecrets secrets, string key, ParameterDefault inner) : ParameterDefault
{
    public override string GetDefaultValue()
    {
        var value = inner.GetDefaultValue();
        secrets.Set(key, value);
        return value;
    }

    public override void WriteToManifest(ManifestPublishingContext context) => inner.WriteToManifest(context);
}

static class PrivateFiles
{
    const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    public static void CreateDirectory(string path)
    {
        if (!OperatingSystem.IsWindows())
            Directory.CreateDirectory(path, OwnerOnly | UnixFileMode.UserExecute);
    }

    /// <summary>Writes a file of mode 0600 in one step: a reader sees the old content or the new.</summary>
    public static void Write(string path, string content)
    {
        var options = new FileStreamOptions { Mode = FileMode.Create, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows())
            options.UnixCreateMode = OwnerOnly;

        var temporary = $"{path}.{Environment.ProcessId}";
        File.Delete(temporary);
        using (var writer = new StreamWriter(temporary, options))
            writer.Write(content);
        File.Move(temporary, path, overwrite: true);
    }
}

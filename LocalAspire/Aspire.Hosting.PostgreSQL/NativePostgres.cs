using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Aspire.Hosting.ApplicationModel;
using Microsoft.Extensions.Logging;

namespace LocalAspire;

/// <summary>Runs the PostgreSQL of this machine, as an unprivileged user, because it refuses to run as root.</summary>
sealed partial class NativePostgres(PostgresServerResource server) : INativeServer
{
    // A new cluster comes into being beside its place and moves there in one step: what a kill leaves behind is not taken for data.
    // $1 data directory, $2 directory of the programs, $3 port, $4 user name, $5 password file, $6 extra switches of initdb
    const string Script = """
        umask 077
        if [ ! -f "$1/pgdata/PG_VERSION" ]; then
            rm -rf "$1/pgdata.new"
            "$2/initdb" --pgdata "$1/pgdata.new" --username "$4" --pwfile "$5" --auth scram-sha-256 --encoding UTF8 --locale C.UTF-8 --no-instructions $6 >"$1/initdb.log" 2>&1 ||
                { status=$?; cat "$1/initdb.log" >&2; exit "$status"; }
            mv "$1/pgdata.new" "$1/pgdata"
        fi
        rm -f "$5"
        exec "$2/postgres" -D "$1/pgdata" -p "$3" -c listen_addresses=127.0.0.1,::1 -c unix_socket_directories= -c logging_collector=off
        """;

    public async Task<LaunchSpec> PrepareAsync(NativeServerContext context, CancellationToken cancellationToken)
    {
        var user = LocalUser.Unprivileged("postgres");
        var data = server.DataDirectory = Place(context, user);
        await CreateAsync(data, user, cancellationToken);
        RemoveStalePid(Path.Combine(data, "pgdata"));
        var programs = PostgresPrograms.Find(server.Name, Path.Combine(data, "pgdata"));

        var passwordFile = Path.Combine(context.WorkDirectory, "password");
        var password = await server.PasswordParameter.GetValueAsync(cancellationToken) ?? "";
        if (user is null)
            PrivateFiles.Write(passwordFile, password);
        else
            await user.WriteFileAsync(Path.Combine(data, Path.GetFileName(passwordFile)), password, cancellationToken);

        var userName = await server.UserNameReference.GetValueAsync(cancellationToken) ?? "postgres";
        string[] command =
        [
            "/bin/sh", "-c", Script, "postgres", data, programs, context.Port.ToString(CultureInfo.InvariantCulture), userName,
            user is null ? passwordFile : Path.Combine(data, Path.GetFileName(passwordFile)), context.IsTemporary ? "--no-sync" : "",
        ];
        var (program, arguments) = DataLock.Guard(Path.Combine(data, ".lock"), user?.Command(command) ?? command);
        return new(program, arguments, "/")
        {
            InheritEnvironment = false,
            Environment = new Dictionary<string, string> { ["PATH"] = "/usr/bin:/bin", ["LC_ALL"] = "C.UTF-8" },
            // The fast shutdown: TERM would wait until the last client has gone.
            StopSignal = "INT",
            Grace = TimeSpan.FromSeconds(3),
            Cleanup = context.WorkDirectory,
            ReadyText = "database system is ready to accept connections",
        };
    }

    /// <summary>The data directory, or for root where the unprivileged user cannot reach that, a place under /var/lib that belongs to it.</summary>
    static string Place(NativeServerContext context, LocalUser? user)
    {
        if (user is null || LocalUser.IsReachable(context.DataDirectory))
            return context.DataDirectory;

        var hash = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(context.DataDirectory)))[..12];
        var place = $"/var/lib/local-aspire/{hash}/{context.Resource.Name}";
        Directory.CreateDirectory(Path.GetDirectoryName(place)!);
        DataElsewhere(context.Log, context.DataDirectory, user.Name, place);
        return place;
    }

    async Task CreateAsync(string data, LocalUser? user, CancellationToken cancellationToken)
    {
        try
        {
            if (Path.GetDirectoryName(data) is { } parent)
                Directory.CreateDirectory(parent);
            if (user is null)
            {
                PrivateFiles.CreateDirectory(data);
                PrivateFiles.Write(Path.Combine(data, ".probe"), "");
                File.Delete(Path.Combine(data, ".probe"));
            }
            else
                await user.CreateDirectoryAsync(data, cancellationToken);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new UnableToStartException(
                $"the resource '{server.Name}' cannot use its data directory '{data}': {e.Message.TrimEnd('.')}. "
                + $"Give it to the user '{user?.Name ?? Environment.UserName}', or set Aspire:Store:Path to another place.");
        }
    }

    /// <summary>
    /// A killed server leaves the number of its process behind, and will not start again while any process of the same user has that
    /// number, as happens after a restart of the machine or container. A server works in its data directory, which tells the two apart.
    /// </summary>
    static void RemoveStalePid(string pgdata)
    {
        var pidFile = Path.Combine(pgdata, "postmaster.pid");
        if (!File.Exists(pidFile) || File.ReadLines(pidFile).FirstOrDefault() is not { } pid)
            return;
        try
        {
            if (Directory.ResolveLinkTarget($"/proc/{pid}/cwd", returnFinalTarget: false)?.FullName == pgdata)
                return;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // No such process, or one of another user; a server of ours would be ours to look at.
        }
        File.Delete(pidFile);
    }

    [LoggerMessage(1, LogLevel.Warning, "The user '{User}' cannot reach '{Wanted}', so the data is kept in '{Place}'.")]
    static partial void DataElsewhere(ILogger logger, string wanted, string user, string place);
}

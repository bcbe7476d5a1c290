using System.Diagnostics;
using System.Text;

namespace LocalAspire;

/// <summary>The user that a server runs as when the AppHost itself runs as root.</summary>
sealed record LocalUser(string Name)
{
    const UnixFileMode MayPass = UnixFileMode.OtherExecute;

    /// <returns>Null when the AppHost does not run as root, and its own user is the one.</returns>
    public static LocalUser? Unprivileged(string preferred) => !Environment.IsPrivilegedProcess
        ? null
        : new(File.ReadLines("/etc/passwd").Any(l => l.StartsWith($"{preferred}:", StringComparison.Ordinal)) ? preferred : "nobody");

    /// <summary>The command, run as this user.</summary>
    public string[] Command(params string[] command) =>
        [Programs.Require("setpriv", "the package util-linux"), "--reuid", Name, "--regid", GroupOf(Name), "--init-groups", "--", .. command];

    /// <summary>Whether others may pass through every directory above the path.</summary>
    public static bool IsReachable(string path)
    {
        for (var directory = Directory.GetParent(path); directory is not null; directory = directory.Parent)
        {
            if (directory.Exists && !OperatingSystem.IsWindows() && !directory.UnixFileMode.HasFlag(MayPass))
                return false;
        }
        return true;
    }

    /// <summary>A directory of mode 0700 that belongs to this user.</summary>
    public Task CreateDirectoryAsync(string path, CancellationToken cancellationToken) =>
        InstallAsync(["-d", "-m", "0700", "-o", Name, "-g", GroupOf(Name), path], "", cancellationToken);

    /// <summary>A file of mode 0600 that belongs to this user.</summary>
    public Task WriteFileAsync(string path, string content, CancellationToken cancellationToken) =>
        InstallAsync(["-m", "0600", "-o", Name, "-g", GroupOf(Name), "/dev/stdin", path], content, cancellationToken);

    // .NET cannot give a file to another user; install(1) can, and takes the content where no one else sees it.
    static async Task InstallAsync(string[] arguments, string input, CancellationToken cancellationToken)
    {
        var start = new ProcessStartInfo(Programs.Require("install", "the package coreutils"), arguments)
        {
            RedirectStandardInput = true,
            RedirectStandardError = true,
            StandardInputEncoding = new UTF8Encoding(encoderShouldEmitUTF8Identifier: false),
        };
        using var process = Process.Start(start)!;
        await process.StandardInput.WriteAsync(input);
        process.StandardInput.Close();
        var error = await process.StandardError.ReadToEndAsync(cancellationToken);
        await process.WaitForExitAsync(cancellationToken);
        if (process.ExitCode != 0)
            throw new IOException(error.Trim());
    }

    static string GroupOf(string user) =>
        File.ReadLines("/etc/passwd").Select(l => l.Split(':')).First(f => f[0] == user)[3];
}

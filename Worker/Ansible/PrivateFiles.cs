using System.Text;

namespace AspireJobs.Worker.Ansible;

/// <summary>Directories of mode 0700 and files of mode 0600 below a directory of mode 0700, which is made if it is missing.</summary>
internal sealed class PrivateFiles(string path)
{
    const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    readonly string _root = System.IO.Directory.CreateDirectory(path, OwnerOnly | UnixFileMode.UserExecute).FullName;

    /// <summary>Makes a directory and returns its path.</summary>
    public string Directory(string name) => System.IO.Directory.CreateDirectory(Path.Combine(_root, name), OwnerOnly | UnixFileMode.UserExecute).FullName;

    /// <summary>Writes a new file, in a directory made before, and returns its path. It never exists with a wider mode.</summary>
    public string Write(string name, string text)
    {
        var path = Path.Combine(_root, name);
        using var file = new FileStream(path, new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write, UnixCreateMode = OwnerOnly });
        file.Write(Encoding.UTF8.GetBytes(text));
        return path;
    }

    /// <summary>Removes a directory with all that is in it, if it was made.</summary>
    public void Remove(string name)
    {
        var path = Path.Combine(_root, name);
        if (System.IO.Directory.Exists(path))
            System.IO.Directory.Delete(path, recursive: true);
    }
}

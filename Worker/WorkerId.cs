using System.Security.Cryptography;

namespace AspireJobs.Worker;

/// <summary>The name of this process among all workers: the machine's name, and eight random digits so that a restarted worker is another one.</summary>
internal sealed record WorkerId(string Value)
{
    public static WorkerId Create() => new($"{Environment.MachineName.ToLowerInvariant()}-{RandomNumberGenerator.GetHexString(8, lowercase: true)}");

    public override string ToString() => Value;
}

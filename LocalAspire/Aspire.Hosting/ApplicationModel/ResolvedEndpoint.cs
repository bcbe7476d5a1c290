namespace Aspire.Hosting.ApplicationModel;

/// <summary>The ports of an endpoint as a deployment has them.</summary>
public sealed class ResolvedEndpoint
{
    public required EndpointAnnotation Endpoint { get; init; }

    public ResolvedPort TargetPort { get; init; }

    public ResolvedPort ExposedPort { get; init; }
}

/// <summary>A port, and where it came from; without a value, the deployment tool chooses it.</summary>
public readonly struct ResolvedPort
{
    public int? Value { get; init; }

    public bool IsAllocated { get; init; }

    public bool IsImplicit { get; init; }

    public static ResolvedPort Explicit(int port) => new() { Value = port };

    public static ResolvedPort Allocated(int port) => new() { Value = port, IsAllocated = true };

    public static ResolvedPort Implicit(int port) => new() { Value = port, IsImplicit = true };

    public static ResolvedPort None() => default;

    public static implicit operator int?(ResolvedPort resolvedPort) => resolvedPort.Value;
}

public interface IPortAllocator
{
    void AddUsedPort(int port);

    int AllocatePort();
}

/// <summary>Hands out ports in ascending order.</summary>
public sealed class PortAllocator(int startPort = 8000) : IPortAllocator
{
    readonly HashSet<int> _used = [];
    int _next = startPort;

    public void AddUsedPort(int port) => _used.Add(port);

    public int AllocatePort()
    {
        while (!_used.Add(_next))
            _next++;
        return _next++;
    }
}

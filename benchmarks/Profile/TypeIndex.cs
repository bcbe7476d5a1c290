using System.Reflection.Metadata;
using System.Reflection.PortableExecutable;

namespace AspireJobs.Benchmarks.Profile;

/// <summary>An assembly on disk. Its image stays in memory, for the bodies of its methods.</summary>
sealed record Module(string Name, MetadataReader Reader, PEReader Image);

/// <summary>A type as its assembly defines it, with its name as in reflection: <c>Namespace.Outer`1+Inner</c>.</summary>
sealed record TypeDefinitionEntry(Module Module, TypeDefinitionHandle Handle, TypeDefinitionEntry? Outer, string FullName)
{
    public TypeDefinition Definition => Module.Reader.GetTypeDefinition(Handle);

    public bool IsValueType => FullName != "System.Enum" && Definition.BaseType switch
    {
        { IsNil: true } => false,
        { Kind: HandleKind.TypeReference } handle => IsValue(Module.Reader.NameOf((TypeReferenceHandle)handle)),
        { Kind: HandleKind.TypeDefinition } handle => IsValue(Module.Reader.NameOf((TypeDefinitionHandle)handle)),
        _ => false,
    };

    static bool IsValue(string baseType) => baseType is "System.ValueType" or "System.Enum";
}

/// <summary>The types of a program and of the frameworks it runs on, by name. Types of the same name in several assemblies are all of them.</summary>
sealed class TypeIndex
{
    readonly Dictionary<string, List<TypeDefinitionEntry>> _types = [];

    /// <summary>Reads all assemblies in these directories; of those with the same name the first.</summary>
    public TypeIndex(IEnumerable<string> directories)
    {
        var names = new HashSet<string>();
        foreach (var file in directories.SelectMany(directory => Directory.EnumerateFiles(directory, "*.dll")))
        {
            var image = new PEReader(File.OpenRead(file), PEStreamOptions.PrefetchEntireImage);
            if (!image.HasMetadata || image.GetMetadataReader() is not { IsAssembly: true } reader)
                continue;
            var module = new Module(reader.GetString(reader.GetAssemblyDefinition().Name), reader, image);
            if (!names.Add(module.Name))
                continue;
            var known = new Dictionary<TypeDefinitionHandle, TypeDefinitionEntry>();
            foreach (var handle in reader.TypeDefinitions)
                Add(module, handle, known);
        }
    }

    /// <summary>The types of this name, of an assembly or of all (null).</summary>
    public IReadOnlyList<TypeDefinitionEntry> Find(string fullName, string? assembly = null) =>
        !_types.TryGetValue(fullName, out var found) ? [] : assembly is null ? found : found.FindAll(type => type.Module.Name == assembly);

    TypeDefinitionEntry Add(Module module, TypeDefinitionHandle handle, Dictionary<TypeDefinitionHandle, TypeDefinitionEntry> known)
    {
        if (known.TryGetValue(handle, out var entry))
            return entry;
        var outer = module.Reader.GetTypeDefinition(handle).GetDeclaringType() is { IsNil: false } declaring ? Add(module, declaring, known) : null;
        entry = new(module, handle, outer, module.Reader.NameOf(handle));
        known.Add(handle, entry);
        if (!_types.TryGetValue(entry.FullName, out var same))
            _types.Add(entry.FullName, same = []);
        same.Add(entry);
        return entry;
    }
}

static class TypeNames
{
    /// <summary>A type's name as in reflection.</summary>
    public static string NameOf(this MetadataReader reader, TypeDefinitionHandle handle)
    {
        var type = reader.GetTypeDefinition(handle);
        return type.GetDeclaringType() is { IsNil: false } outer ? $"{reader.NameOf(outer)}+{reader.GetString(type.Name)}" : Full(reader, type.Namespace, type.Name);
    }

    /// <summary>A type's name as in reflection.</summary>
    public static string NameOf(this MetadataReader reader, TypeReferenceHandle handle)
    {
        var type = reader.GetTypeReference(handle);
        return type.ResolutionScope.Kind == HandleKind.TypeReference
            ? $"{reader.NameOf((TypeReferenceHandle)type.ResolutionScope)}+{reader.GetString(type.Name)}"
            : Full(reader, type.Namespace, type.Name);
    }

    /// <summary>The name under which a type is defined: without the types it is constructed with.</summary>
    public static string DefinitionName(this TypeName type) => type.IsConstructedGenericType ? type.GetGenericTypeDefinition().FullName : type.FullName;

    static string Full(MetadataReader reader, StringHandle space, StringHandle name) => space.IsNil ? reader.GetString(name) : $"{reader.GetString(space)}.{reader.GetString(name)}";
}

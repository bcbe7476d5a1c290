using System.Collections.Immutable;
using System.Reflection.Metadata;
using System.Reflection.Metadata.Ecma335;

namespace AspireJobs.Benchmarks.Profile;

/// <summary>Names types and methods of other assemblies in new metadata: references and their signatures as of ECMA-335, II.22 and II.23.2.</summary>
sealed class Tokens(MetadataBuilder metadata, TypeIndex types) : ISignatureTypeProvider<byte[], object?>
{
    // Stands for every reference type in code that they share. The compilers know it in an assembly of this name.
    const string Canon = "System.__Canon";

    static readonly Version AnyVersion = new(0, 0, 0, 0);

    static readonly Dictionary<string, PrimitiveTypeCode> Primitives =
        Enum.GetValues<PrimitiveTypeCode>().Where(code => code != PrimitiveTypeCode.TypedReference).ToDictionary(code => $"System.{code}");

    readonly Dictionary<string, AssemblyReferenceHandle> _assemblies = [];
    readonly Dictionary<(EntityHandle Scope, string Namespace, string Name), TypeReferenceHandle> _references = [];
    readonly Dictionary<(string? Assembly, string Name), EntityHandle> _types = [];

    /// <summary>The token of a type.</summary>
    /// <param name="type">Its name; what it is constructed with may be named without an assembly, as long as it is known.</param>
    /// <param name="definition">Which of the types of this name it is; null: any.</param>
    /// <exception cref="InvalidDataException">No assembly has it, or one that it is constructed with.</exception>
    public EntityHandle Type(TypeName type, TypeDefinitionEntry? definition = null)
    {
        if (type.IsSimple)
            return type.FullName == Canon ? CanonReference() : Reference(definition ?? Find(type));
        var key = (definition?.Module.Name, type.AssemblyQualifiedName);
        if (!_types.TryGetValue(key, out var token))
            _types.Add(key, token = metadata.AddTypeSpecification(Blob(Signature(type, definition))));
        return token;
    }

    /// <summary>The token of a method. A generic one is the one that reference types share.</summary>
    /// <exception cref="InvalidDataException">No assembly has a type in its signature.</exception>
    public EntityHandle Method(TypeDefinitionEntry owner, TypeName type, MethodDefinitionHandle handle)
    {
        var reader = owner.Module.Reader;
        var method = reader.GetMethodDefinition(handle);
        var signature = method.DecodeSignature(this, null);
        var generic = signature.GenericParameterCount;
        byte[] bytes =
        [
            signature.Header.RawValue, .. generic > 0 ? Compressed(generic) : [],
            .. Compressed(signature.ParameterTypes.Length), .. signature.ReturnType, .. signature.ParameterTypes.SelectMany(parameter => parameter),
        ];
        var token = metadata.AddMemberReference(Type(type, owner), metadata.GetOrAddString(reader.GetString(method.Name)), Blob(bytes));
        var shared = Enumerable.Repeat(Named(CanonReference(), SignatureTypeKind.Class), generic).SelectMany(argument => argument);
        return generic == 0 ? token : metadata.AddMethodSpecification(token, Blob([(byte)SignatureKind.MethodSpecification, .. Compressed(generic), .. shared]));
    }

    byte[] Signature(TypeName type, TypeDefinitionEntry? definition = null) => type switch
    {
        { IsSZArray: true } => GetSZArrayType(Signature(type.GetElementType())),
        { IsPointer: true } => GetPointerType(Signature(type.GetElementType())),
        { IsConstructedGenericType: true } => GetGenericInstantiation(Named(definition ?? Find(type)), [.. type.GetGenericArguments().Select(argument => Signature(argument))]),
        { IsSimple: false } => throw new InvalidDataException($"A profile is not expected to have the type {type.AssemblyQualifiedName}."),
        { FullName: Canon } => Named(CanonReference(), SignatureTypeKind.Class),
        _ => Primitives.TryGetValue(type.FullName, out var primitive) ? GetPrimitiveType(primitive) : Named(definition ?? Find(type)),
    };

    TypeDefinitionEntry Find(TypeName type) => Find(type.DefinitionName(), type.AssemblyName?.Name);

    TypeDefinitionEntry Find(string name, string? assembly = null) => types.Find(name, assembly) is [var found, ..]
        ? found
        : throw new InvalidDataException($"None of the assemblies defines {name}{(assembly is null ? "" : $", {assembly}")}.");

    TypeReferenceHandle CanonReference() => Reference(Assembly("System.Private.Canon"), "System", "__Canon");

    TypeReferenceHandle Reference(TypeDefinitionEntry definition)
    {
        var reader = definition.Module.Reader;
        EntityHandle scope = definition.Outer is { } outer ? Reference(outer) : Assembly(definition.Module.Name);
        return Reference(scope, reader.GetString(definition.Definition.Namespace), reader.GetString(definition.Definition.Name));
    }

    TypeReferenceHandle Reference(EntityHandle scope, string space, string name)
    {
        if (!_references.TryGetValue((scope, space, name), out var reference))
            _references.Add((scope, space, name), reference = metadata.AddTypeReference(scope, metadata.GetOrAddString(space), metadata.GetOrAddString(name)));
        return reference;
    }

    AssemblyReferenceHandle Assembly(string name)
    {
        if (!_assemblies.TryGetValue(name, out var reference))
            _assemblies.Add(name, reference = metadata.AddAssemblyReference(metadata.GetOrAddString(name), AnyVersion, default, default, default, default));
        return reference;
    }

    BlobHandle Blob(byte[] bytes) => metadata.GetOrAddBlob(bytes);

    byte[] Named(TypeDefinitionEntry definition) => Named(Reference(definition), definition.IsValueType ? SignatureTypeKind.ValueType : SignatureTypeKind.Class);

    static byte[] Named(TypeReferenceHandle type, SignatureTypeKind kind) => [(byte)kind, .. Compressed(CodedIndex.TypeDefOrRef(type))];

    static byte[] Compressed(int value)
    {
        var blob = new BlobBuilder();
        blob.WriteCompressedInteger(value);
        return blob.ToArray();
    }

    public byte[] GetPrimitiveType(PrimitiveTypeCode typeCode) => [(byte)typeCode];
    public byte[] GetTypeFromDefinition(MetadataReader reader, TypeDefinitionHandle handle, byte rawTypeKind) =>
        Named(Reference(Find(reader.NameOf(handle), reader.GetString(reader.GetAssemblyDefinition().Name))), (SignatureTypeKind)rawTypeKind);
    public byte[] GetTypeFromReference(MetadataReader reader, TypeReferenceHandle handle, byte rawTypeKind) =>
        Named(Reference(Find(reader.NameOf(handle))), (SignatureTypeKind)rawTypeKind);
    public byte[] GetTypeFromSpecification(MetadataReader reader, object? genericContext, TypeSpecificationHandle handle, byte rawTypeKind) =>
        reader.GetTypeSpecification(handle).DecodeSignature(this, genericContext);
    public byte[] GetGenericInstantiation(byte[] genericType, ImmutableArray<byte[]> typeArguments) =>
        [(byte)SignatureTypeCode.GenericTypeInstance, .. genericType, .. Compressed(typeArguments.Length), .. typeArguments.SelectMany(argument => argument)];
    public byte[] GetGenericTypeParameter(object? genericContext, int index) => [(byte)SignatureTypeCode.GenericTypeParameter, .. Compressed(index)];
    public byte[] GetGenericMethodParameter(object? genericContext, int index) => [(byte)SignatureTypeCode.GenericMethodParameter, .. Compressed(index)];
    public byte[] GetSZArrayType(byte[] elementType) => [(byte)SignatureTypeCode.SZArray, .. elementType];
    public byte[] GetByReferenceType(byte[] elementType) => [(byte)SignatureTypeCode.ByReference, .. elementType];
    public byte[] GetPointerType(byte[] elementType) => [(byte)SignatureTypeCode.Pointer, .. elementType];
    public byte[] GetPinnedType(byte[] elementType) => [(byte)SignatureTypeCode.Pinned, .. elementType];
    // A modifier is a named type here, of which the signature wants the token without the kind before it.
    public byte[] GetModifiedType(byte[] modifier, byte[] unmodifiedType, bool isRequired) =>
        [(byte)(isRequired ? SignatureTypeCode.RequiredModifier : SignatureTypeCode.OptionalModifier), .. modifier[1..], .. unmodifiedType];
    public byte[] GetArrayType(byte[] elementType, ArrayShape shape)
    {
        var blob = new BlobBuilder();
        new ArrayShapeEncoder(blob).Shape(shape.Rank, shape.Sizes, shape.LowerBounds);
        return [(byte)SignatureTypeCode.Array, .. elementType, .. blob.ToArray()];
    }
    public byte[] GetFunctionPointerType(MethodSignature<byte[]> signature) =>
        [(byte)SignatureTypeCode.FunctionPointer, signature.Header.RawValue, .. Compressed(signature.ParameterTypes.Length), .. signature.ReturnType, .. signature.ParameterTypes.SelectMany(parameter => parameter)];
}

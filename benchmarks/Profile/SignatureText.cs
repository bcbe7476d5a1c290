using System.Collections.Immutable;
using System.Reflection.Metadata;

namespace AspireJobs.Benchmarks.Profile;

/// <summary>Signatures as the runtime writes them beside what it counted, which is nearly how IL assembly does.</summary>
sealed class SignatureText : ISignatureTypeProvider<string, object?>
{
    static readonly SignatureText Provider = new();

    public static string Of(Module module, MethodDefinitionHandle method)
    {
        var signature = module.Reader.GetMethodDefinition(method).DecodeSignature(Provider, null);
        var kind = $"{(signature.Header.IsInstance ? "instance " : "")}{(signature.Header.IsGeneric ? "generic " : "")}";
        return $"{kind}{signature.ReturnType}  ({string.Join(',', signature.ParameterTypes)})";
    }

    public string GetPrimitiveType(PrimitiveTypeCode typeCode) => typeCode switch
    {
        PrimitiveTypeCode.Void => "void",
        PrimitiveTypeCode.Boolean => "bool",
        PrimitiveTypeCode.Char => "wchar",
        PrimitiveTypeCode.SByte => "int8",
        PrimitiveTypeCode.Byte => "unsigned int8",
        PrimitiveTypeCode.Int16 => "int16",
        PrimitiveTypeCode.UInt16 => "unsigned int16",
        PrimitiveTypeCode.Int32 => "int32",
        PrimitiveTypeCode.UInt32 => "unsigned int32",
        PrimitiveTypeCode.Int64 => "int64",
        PrimitiveTypeCode.UInt64 => "unsigned int64",
        PrimitiveTypeCode.Single => "float32",
        PrimitiveTypeCode.Double => "float64",
        PrimitiveTypeCode.IntPtr => "int",
        PrimitiveTypeCode.UIntPtr => "unsigned int",
        _ => $"class System.{typeCode}",
    };

    public string GetTypeFromDefinition(MetadataReader reader, TypeDefinitionHandle handle, byte rawTypeKind) => Named(reader.NameOf(handle), rawTypeKind);
    public string GetTypeFromReference(MetadataReader reader, TypeReferenceHandle handle, byte rawTypeKind) => Named(reader.NameOf(handle), rawTypeKind);
    public string GetTypeFromSpecification(MetadataReader reader, object? genericContext, TypeSpecificationHandle handle, byte rawTypeKind) =>
        reader.GetTypeSpecification(handle).DecodeSignature(this, genericContext);
    public string GetGenericInstantiation(string genericType, ImmutableArray<string> typeArguments) => $"{genericType}<{string.Join(',', typeArguments)}>";
    public string GetGenericTypeParameter(object? genericContext, int index) => $"!{index}";
    public string GetGenericMethodParameter(object? genericContext, int index) => $"!!{index}";
    public string GetSZArrayType(string elementType) => $"{elementType}[]";
    public string GetArrayType(string elementType, ArrayShape shape) => $"{elementType}[{new string(',', shape.Rank - 1)}]";
    public string GetByReferenceType(string elementType) => $"{elementType}&";
    public string GetPointerType(string elementType) => $"{elementType}*";
    public string GetPinnedType(string elementType) => elementType;
    public string GetModifiedType(string modifier, string unmodifiedType, bool isRequired) => unmodifiedType;
    public string GetFunctionPointerType(MethodSignature<string> signature) => "method";

    // Of a nested type the runtime writes its own name only.
    static string Named(string name, byte rawTypeKind) => $"{((SignatureTypeKind)rawTypeKind == SignatureTypeKind.ValueType ? "value class" : "class")} {name[(name.LastIndexOf('+') + 1)..]}";
}

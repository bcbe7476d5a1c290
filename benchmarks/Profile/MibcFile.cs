using System.IO.Compression;
using System.Reflection;
using System.Reflection.Metadata;
using System.Reflection.Metadata.Ecma335;
using System.Reflection.PortableExecutable;

namespace AspireJobs.Benchmarks.Profile;

/// <summary>
/// A profile as .NET's ahead-of-time compilers take it (<c>--mibc</c>): an assembly with a method for each assembly that was profiled, whose IL is the
/// data. For each profiled method it has its token, what was counted between two strings, and <c>pop</c>; the method <c>AssemblyDictionary</c>
/// lists these methods.
/// </summary>
sealed class MibcFile
{
    // The four numbers that come before what was counted are all given anew: offset, kind, count and "other" are one bit each.
    const int AllFour = 15;
    const int NoType = 0;
    const int UnknownType = 1;

    readonly TypeIndex _types;
    readonly MetadataBuilder _metadata = new();
    readonly Tokens _tokens;
    readonly Dictionary<(string Assembly, string Name, string Signature), (RecordedMethod Recorded, EntityHandle Token)> _methods = [];

    public MibcFile(TypeIndex types)
    {
        _types = types;
        _tokens = new Tokens(_metadata, types);
    }

    /// <summary>Number of methods in it.</summary>
    public int Count => _methods.Count;

    /// <summary>
    /// Adds what was counted in a method; of several recordings of it, and of a generic method with several types, it keeps the one that ran most.
    /// Leaves out generic methods of value types only: the recording does not tell of which.
    /// </summary>
    /// <returns>False: no assembly has such a method.</returns>
    public bool Add(RecordedMethod recorded)
    {
        var found = recorded.Find(_types);
        foreach (var (owner, type, method) in found.Where(candidate => IsForReferenceTypes(candidate.Owner.Module.Reader, candidate.Method)))
        {
            var key = (owner.Module.Name, recorded.Name, recorded.Signature);
            if (!_methods.TryGetValue(key, out var known) || known.Recorded.Weight < recorded.Weight)
                _methods[key] = (recorded, _tokens.Method(owner, type, method));
        }
        return found.Count > 0;
    }

    static bool IsForReferenceTypes(MetadataReader reader, MethodDefinitionHandle method) => reader.GetMethodDefinition(method).GetGenericParameters()
        .All(parameter => !reader.GetGenericParameter(parameter).Attributes.HasFlag(GenericParameterAttributes.NotNullableValueTypeConstraint));

    /// <summary>Writes it, compressed, in place of what was there.</summary>
    public void Write(string file)
    {
        var name = Path.GetFileName(file);
        using var stream = File.Create(file);
        using var archive = new ZipArchive(stream, ZipArchiveMode.Create);
        using var entry = archive.CreateEntry($"{name}.dll", CompressionLevel.SmallestSize).Open();
        Assembly(name).WriteContentTo(entry);
    }

    BlobBuilder Assembly(string name)
    {
        var code = new BlobBuilder();
        var bodies = new MethodBodyStreamEncoder(code);
        var noArguments = _metadata.GetOrAddBlob(new byte[] { (byte)SignatureCallingConvention.Default, 0, (byte)SignatureTypeCode.Void });
        _metadata.AddModule(0, _metadata.GetOrAddString(name), _metadata.GetOrAddGuid(Guid.NewGuid()), default, default);
        _metadata.AddAssembly(_metadata.GetOrAddString(name), new Version(0, 0, 0, 0), default, default, default, AssemblyHashAlgorithm.None);
        _metadata.AddTypeDefinition(default, default, _metadata.GetOrAddString("<Module>"), default, MetadataTokens.FieldDefinitionHandle(1), MetadataTokens.MethodDefinitionHandle(1));

        var list = new InstructionEncoder(new BlobBuilder());
        foreach (var group in _methods.GroupBy(method => method.Key.Assembly, method => method.Value))
        {
            var data = new InstructionEncoder(new BlobBuilder());
            foreach (var (recorded, token) in group.OrderByDescending(method => method.Recorded.Weight))
                Write(data, recorded, token);
            String(list, $"{group.Key};");
            Token(list, Method($"Assemblies_{group.Key}", data));
            list.OpCode(ILOpCode.Pop);
        }
        Method("AssemblyDictionary", list);

        var assembly = new BlobBuilder();
        new ManagedPEBuilder(new PEHeaderBuilder(), new MetadataRootBuilder(_metadata), code).Serialize(assembly);
        return assembly;

        MethodDefinitionHandle Method(string method, InstructionEncoder il) => _metadata.AddMethodDefinition(
            MethodAttributes.Public | MethodAttributes.Static, MethodImplAttributes.IL, _metadata.GetOrAddString(method), noArguments, bodies.AddMethodBody(il), default);
    }

    void Write(InstructionEncoder il, RecordedMethod recorded, EntityHandle token)
    {
        Token(il, token);
        String(il, "InstrumentationDataStart");
        foreach (var record in recorded.Records)
            switch (record.Split(' '))
            {
                case ["Schema", "InstrumentationKind", var kind, "ILOffset", var offset, "Count", var count, "Other", var other]:
                    Integer(il, AllFour);
                    foreach (var number in new[] { offset, kind, count })
                        Integer(il, RecordedMethod.Number(number));
                    Integer(il, unchecked((int)RecordedMethod.Number(other)));
                    break;
                case ["TypeHandle:" or "MethodHandle:", "NULL"]:
                    Integer(il, NoType);
                    break;
                case ["TypeHandle:", not "UNKNOWN", ..]:
                    Token(il, _tokens.Type(TypeName.Parse(record.AsSpan("TypeHandle: ".Length))));
                    break;
                case ["TypeHandle:" or "MethodHandle:", ..]:
                    Integer(il, UnknownType);
                    break;
                case ["None"]:
                    break;
                default:
                    Integer(il, RecordedMethod.Number(record));
                    break;
            }
        String(il, "InstrumentationDataEnd");
        il.OpCode(ILOpCode.Pop);
    }

    static void Token(InstructionEncoder il, EntityHandle token)
    {
        il.OpCode(ILOpCode.Ldtoken);
        il.Token(token);
    }

    void String(InstructionEncoder il, string text) => il.LoadString(_metadata.GetOrAddUserString(text));

    static void Integer(InstructionEncoder il, long value)
    {
        if (value is >= int.MinValue and <= int.MaxValue)
            il.LoadConstantI4((int)value);
        else
            il.LoadConstantI8(value);
    }
}

using System.Globalization;
using System.Reflection.Metadata;

namespace AspireJobs.Benchmarks.Profile;

/// <summary>What the runtime counted in one method: an entry of the file that <c>DOTNET_WritePGOData</c> makes it write when it ends.</summary>
/// <param name="Name">Type and method, <c>Namespace.Outer`1+Inner[System.__Canon].Method</c>; what a generic method was constructed with is not told.</param>
/// <param name="Signature">As IL assembly writes it.</param>
/// <param name="IlSize">Bytes of IL, which tells most overloads apart.</param>
/// <param name="Records">The lines about its blocks and call sites.</param>
sealed record RecordedMethod(string Name, string Signature, int IlSize, IReadOnlyList<string> Records)
{
    const string Head = "@@@ ";
    const string End = "*** ";
    const string NameHead = "MethodName: ";
    const string SignatureHead = "Signature: ";
    const string SizeHead = "ilSize 0x";

    /// <summary>How often its blocks ran, all together.</summary>
    public long Weight { get; } = Records.Sum(record => char.IsAsciiDigit(record[0]) ? Number(record) : 0);

    /// <summary>A count: eight bytes come as two numbers of four, the lower first.</summary>
    public static long Number(string record)
    {
        var parts = record.Split(' ');
        var low = long.Parse(parts[0], CultureInfo.InvariantCulture);
        return parts.Length == 1 ? low : low | long.Parse(parts[1], CultureInfo.InvariantCulture) << 32;
    }

    public static IEnumerable<RecordedMethod> Read(string file)
    {
        using var lines = File.ReadLines(file).GetEnumerator();
        var more = lines.MoveNext() && lines.MoveNext();
        while (more && lines.Current.StartsWith(Head, StringComparison.Ordinal))
        {
            var head = lines.Current;
            var size = head.AsSpan(head.IndexOf(SizeHead, StringComparison.Ordinal) + SizeHead.Length, 8);
            var name = Next(lines, NameHead);
            var signature = Next(lines, SignatureHead);
            var records = new List<string>();
            while ((more = lines.MoveNext()) && !lines.Current.StartsWith(Head, StringComparison.Ordinal) && !lines.Current.StartsWith(End, StringComparison.Ordinal))
                records.Add(lines.Current);
            yield return new(name, signature, int.Parse(size, NumberStyles.HexNumber, CultureInfo.InvariantCulture), records);
        }
    }

    /// <summary>The definitions it may be of. Several: the same source in several assemblies.</summary>
    public IReadOnlyList<(TypeDefinitionEntry Owner, TypeName Type, MethodDefinitionHandle Method)> Find(TypeIndex types)
    {
        var found = new List<(TypeDefinitionEntry Owner, TypeName Type, MethodDefinitionHandle Method)>();
        // Names of types and of methods may have dots in them, so each may be the border.
        var brackets = 0;
        for (var dot = Name.Length - 1; dot > 0 && found.Count == 0; dot--)
        {
            brackets += Name[dot] switch { ']' => 1, '[' => -1, _ => 0 };
            if (Name[dot] != '.' || brackets != 0 || Name[dot - 1] == '.' || !TypeName.TryParse(Name.AsSpan(0, dot), out var type))
                continue;
            foreach (var owner in types.Find(type.DefinitionName()))
                foreach (var method in owner.Definition.GetMethods())
                    if (IsBodyOf(owner.Module, method, Name[(dot + 1)..]))
                        found.Add((owner, type, method));
        }
        return found.Count > 1 ? found.FindAll(candidate => SignatureText.Of(candidate.Owner.Module, candidate.Method) == Signature) : found;
    }

    bool IsBodyOf(Module module, MethodDefinitionHandle handle, string name)
    {
        var method = module.Reader.GetMethodDefinition(handle);
        return method.RelativeVirtualAddress != 0
            && module.Reader.StringComparer.Equals(method.Name, name)
            && module.Image.GetMethodBody(method.RelativeVirtualAddress).GetILReader().Length == IlSize;
    }

    static string Next(IEnumerator<string> lines, string head) => lines.MoveNext() && lines.Current.StartsWith(head, StringComparison.Ordinal)
        ? lines.Current[head.Length..]
        : throw new InvalidDataException($"'{head}' is missing before: {lines.Current}");
}

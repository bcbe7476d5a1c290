using System.Buffers.Binary;
using System.IO.Compression;
using System.Reflection;
using System.Reflection.Emit;
using System.Runtime.InteropServices;
using System.Runtime.Loader;
using System.Security;
using AspireJobs.Benchmarks.Profile;
using AspireJobs.Tests.Infrastructure;
using Module = System.Reflection.Module;

namespace AspireJobs.Tests.Benchmarks;

/// <summary>The profile for the native builds: what the runtime records of the services, as a file that the compiler takes.</summary>
public sealed class ProfileTests : IDisposable
{
    static readonly TypeIndex Types = new([RuntimeEnvironment.GetRuntimeDirectory(), AppContext.BaseDirectory]);

    readonly string _directory = Directory.CreateTempSubdirectory("profile-").FullName;

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Theory]
    [InlineData("System.Math.Min", "int64  (int64,int64)", typeof(Math), "Int64 Min(Int64, Int64)")]
    [InlineData("System.Math.Min", "unsigned int32  (unsigned int32,unsigned int32)", typeof(Math), "UInt32 Min(UInt32, UInt32)")]
    [InlineData("System.Collections.Generic.Dictionary`2[System.Int32,System.Guid]..ctor", "instance void  (int32)", typeof(Dictionary<int, Guid>), "Void .ctor(Int32)")]
    [InlineData("System.Collections.Generic.Dictionary`2+KeyCollection+Enumerator[System.Int32,System.Guid].MoveNext", "instance bool  ()", typeof(Dictionary<int, Guid>.KeyCollection.Enumerator), "Boolean MoveNext()")]
    [InlineData("System.Collections.Generic.List`1[System.Int32].System.Collections.Generic.ICollection<T>.get_IsReadOnly", "instance bool  ()", typeof(List<int>), "Boolean System.Collections.Generic.ICollection<T>.get_IsReadOnly()")]
    [InlineData("AspireJobs.Tests.Benchmarks.ProfileTests+Counted.Add", "instance int32  (int32&,int32[],value class System.Nullable`1<int32>)", typeof(Counted), "Int32 Add(Int32 ByRef, Int32[], System.Nullable`1[System.Int32])")]
    public void A_recorded_method_is_the_one_of_its_type_that_has_this_name_signature_and_size(string name, string signature, Type owner, string method)
    {
        var expected = owner.GetMembers(Everything).OfType<MethodBase>().Single(candidate => candidate.ToString() == method);

        var found = Assert.Single(Write(Recorded(name, signature, expected)));

        Assert.Equal(expected.MetadataToken, found.Method!.MetadataToken);
        Assert.Equal(owner, found.Method.DeclaringType);
    }

    [Fact]
    public void A_generic_method_is_the_one_that_reference_types_share()
    {
        var shared = typeof(Counted).GetMethod(nameof(Counted.Same))!;

        var found = Assert.Single(Write(Recorded("AspireJobs.Tests.Benchmarks.ProfileTests+Counted.Same", "generic !!0  (!!0)", shared)));

        Assert.Equal("System.__Canon", Assert.Single(found.Method!.GetGenericArguments()).FullName);
    }

    [Fact]
    public void What_was_counted_follows_its_method_with_the_types_that_were_met()
    {
        var method = typeof(Counted).GetMethod(nameof(Counted.Add))!;
        var recorded = Recorded(
            "AspireJobs.Tests.Benchmarks.ProfileTests+Counted.Add", "instance int32  (int32&,int32[],value class System.Nullable`1<int32>)", method,
            "Schema InstrumentationKind 385 ILOffset 7 Count 1 Other 36",
            "4294967295",
            "Schema InstrumentationKind 386 ILOffset 8 Count 1 Other 0",
            "5 1",
            "Schema InstrumentationKind 195 ILOffset 9 Count 3 Other 3221225472",
            $"TypeHandle: {typeof(List<Guid>).AssemblyQualifiedName}",
            "TypeHandle: NULL",
            "TypeHandle: UNKNOWN");

        var found = Assert.Single(Write(recorded));

        Assert.Equal(
            ["InstrumentationDataStart", 15L, 7L, 385L, 1L, 36L, 4294967295L, 15L, 8L, 386L, 1L, 0L, (1L << 32) + 5, 15L, 9L, 195L, 3L, unchecked((long)(int)3221225472), typeof(List<Guid>), 0L, 1L, "InstrumentationDataEnd"],
            found.Data);
    }

    [Fact]
    public void Of_two_recordings_of_a_method_the_one_that_ran_more_counts()
    {
        var method = typeof(Counted).GetMethod(nameof(Counted.Same))!;
        RecordedMethod Ran(int times) => Recorded("AspireJobs.Tests.Benchmarks.ProfileTests+Counted.Same", "generic !!0  (!!0)", method, "Schema InstrumentationKind 385 ILOffset 0 Count 1 Other 0", $"{times}");

        var found = Assert.Single(Write(Ran(3), Ran(70), Ran(9)));

        Assert.Contains(70L, found.Data);
    }

    [Fact]
    public void A_method_that_no_assembly_has_is_told()
    {
        var profile = new MibcFile(Types);

        Assert.False(profile.Add(new("System.Math.Mean", "int32  (int32,int32)", 10, [])));
        Assert.Equal(0, profile.Count);
    }

    [Fact]
    public void A_recording_is_read_as_the_runtime_writes_it()
    {
        var file = Path.Combine(_directory, "recording");
        File.WriteAllLines(file,
        [
            "*** START PGO Data, max index = 2 ***",
            "@@@ codehash 0xB9D34981 methodhash 0x42C06D7F ilSize 0x0000006C records 0x00000001", "MethodName: A.B.C", "Signature: void  ()", "Schema InstrumentationKind 385 ILOffset 31 Count 1 Other 36", "12",
            "@@@ codehash 0x00000000 methodhash 0x00000000 ilSize 0x00000002 records 0x00000000", "MethodName: A.B.D", "Signature: instance bool  ()",
            "*** END PGO Data ***",
        ]);

        var methods = RecordedMethod.Read(file).ToList();

        Assert.Equal([("A.B.C", "void  ()", 0x6C, 2, 12L), ("A.B.D", "instance bool  ()", 2, 0, 0L)], methods.Select(method => (method.Name, method.Signature, method.IlSize, method.Records.Count, method.Weight)));
    }

    [Fact]
    public void The_profile_of_the_native_builds_is_of_methods_that_are_still_there()
    {
        var ours = Read(Repository.Path("services.mibc"), group => group is "Assemblies_Api" or "Assemblies_Jobs" or "Assemblies_ServiceDefaults" or "Assemblies_Worker");

        Assert.InRange(ours.Count, 100, 10_000);
        // It gets old with every change, which costs no more than speed: record it again with `benchmarks profile` before this fails. Of a Debug
        // build a quarter is never there, because its async methods are of other types.
        Assert.InRange(ours.Count(method => method.Method is null), 0, ours.Count / 2);
    }

    const BindingFlags Everything = BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Instance | BindingFlags.Static | BindingFlags.DeclaredOnly;

    static RecordedMethod Recorded(string name, string signature, MethodBase method, params string[] records) =>
        new(name, signature, method.GetMethodBody()!.GetILAsByteArray()!.Length, records);

    List<ProfiledMethod> Write(params RecordedMethod[] recorded)
    {
        var profile = new MibcFile(Types);
        Assert.All(recorded, method => Assert.True(profile.Add(method)));
        var file = Path.Combine(_directory, "test.mibc");
        profile.Write(file);
        return Read(file, _ => true);
    }

    /// <summary>Reads a profile as a compiler does; null stands for a method that is not there.</summary>
    static List<ProfiledMethod> Read(string file, Func<string, bool> wanted)
    {
        using var archive = ZipFile.OpenRead(file);
        using var assembly = new MemoryStream();
        using (var entry = archive.GetEntry($"{Path.GetFileName(file)}.dll")!.Open())
            entry.CopyTo(assembly);
        var context = new AssemblyLoadContext(file);
        context.Resolving += (_, name) => name.Name == Canon ? LoadCanon(context) : null;
        assembly.Position = 0;
        var module = context.LoadFromStream(assembly).ManifestModule;

        var groups = module.GetMethods();
        var list = Decode(module, Assert.Single(groups, method => method.Name == "AssemblyDictionary")).OfType<MethodBase>().Select(method => method.Name);
        Assert.Equal(list.Order(), groups.Select(method => method.Name).Where(name => name != "AssemblyDictionary").Order());
        var methods = new List<ProfiledMethod>();
        foreach (var group in groups.Where(method => method.Name != "AssemblyDictionary" && wanted(method.Name)))
        {
            var data = Decode(module, group);
            while (data.Count > 0)
            {
                var end = data.IndexOf(Pop);
                methods.Add(new(data[0] as MethodBase, data[1..end]));
                data = data[(end + 1)..];
            }
        }
        return methods;
    }

    static readonly object Pop = new();

    const string Canon = "System.Private.Canon";

    // The compiler has this assembly in itself.
    static Assembly LoadCanon(AssemblyLoadContext context)
    {
        var assembly = new PersistedAssemblyBuilder(new(Canon), typeof(object).Assembly);
        assembly.DefineDynamicModule(Canon).DefineType("System.__Canon", TypeAttributes.Public).CreateType();
        using var image = new MemoryStream();
        assembly.Save(image);
        image.Position = 0;
        return context.LoadFromStream(image);
    }

    static List<object?> Decode(Module module, MethodBase method)
    {
        var il = method.GetMethodBody()!.GetILAsByteArray().AsSpan();
        var decoded = new List<object?>();
        while (il.Length > 0)
        {
            var code = il[0];
            il = il[1..];
            if (code == OpCodes.Pop.Value)
                decoded.Add(Pop);
            else if (code == OpCodes.Ldstr.Value)
                decoded.Add(module.ResolveString(Four(ref il)));
            else if (code == OpCodes.Ldtoken.Value)
                decoded.Add(Resolve(module, Four(ref il)));
            else if (code == OpCodes.Ldc_I4.Value)
                decoded.Add((long)Four(ref il));
            else if (code == OpCodes.Ldc_I4_S.Value)
                decoded.Add((long)(sbyte)One(ref il));
            else if (code == OpCodes.Ldc_I8.Value)
                decoded.Add((uint)Four(ref il) | (long)Four(ref il) << 32);
            else if (code >= OpCodes.Ldc_I4_M1.Value && code <= OpCodes.Ldc_I4_8.Value)
                decoded.Add((long)(code - OpCodes.Ldc_I4_0.Value));
            else
                Assert.Fail($"A profile has no instruction {code:x}.");
        }
        return decoded;
    }

    static MemberInfo? Resolve(Module module, int token)
    {
        try
        {
            return module.ResolveMember(token);
        }
        catch (Exception gone) when (gone is MissingMethodException or TypeLoadException or FileNotFoundException or VerificationException)
        {
            return null;
        }
    }

    static byte One(ref Span<byte> il)
    {
        var value = il[0];
        il = il[1..];
        return value;
    }

    static int Four(ref Span<byte> il)
    {
        var value = BinaryPrimitives.ReadInt32LittleEndian(il);
        il = il[4..];
        return value;
    }

    sealed record ProfiledMethod(MethodBase? Method, List<object?> Data);

    sealed class Counted
    {
        int _sum;

        public int Add(ref int number, int[] numbers, int? more)
        {
            foreach (var one in numbers)
                _sum += one + number + more.GetValueOrDefault();
            return _sum;
        }

        public static T Same<T>(T value) => value;
    }
}

using System.Reflection;
using System.Runtime.CompilerServices;

namespace AspireJobs.Tests.Hosting;

/// <summary>The types and members of an assembly that others can use, one line for each.</summary>
static class PublicSurface
{
    const BindingFlags Declared = BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Instance | BindingFlags.Static | BindingFlags.DeclaredOnly;

    static readonly NullabilityInfoContext Nullability = new();

    public static IEnumerable<string> Of(Assembly assembly) => assembly.GetExportedTypes()
        .Where(type => type.Namespace is { } space && (space.StartsWith("Aspire.", StringComparison.Ordinal) || space == "Microsoft.Extensions.Hosting"))
        .SelectMany(Lines);

    static IEnumerable<string> Lines(Type type)
    {
        var name = Name(type);
        yield return $"{Kind(type)} {type.Namespace}.{name}{Variance(type)}";
        if (type.IsEnum)
        {
            foreach (var value in Enum.GetNames(type))
                yield return $"{name}.{value} = {Convert.ToInt64(Enum.Parse(type, value), null)}";
            yield break;
        }
        foreach (var general in type.GetInterfaces().Append(type.BaseType).OfType<Type>().Where(t => t.IsPublic && t != typeof(object) && t != typeof(ValueType)))
            yield return $"{name} : {Name(general)}";
        foreach (var member in type.GetMembers(Declared).Where(member => !IsOfTheCompiler(member)))
        {
            var line = member switch
            {
                ConstructorInfo { IsStatic: false } constructor when Access(constructor) is { } access => $"{access}{name}({Parameters(constructor)})",
                MethodInfo method when Access(method) is { } access && (!method.IsSpecialName || method.Name is "op_Implicit") =>
                    $"{access}{Virtual(method)}{name}.{method.Name}{Generics(method.GetGenericArguments())}({Parameters(method)}) : {Named(method.ReturnParameter)}",
                PropertyInfo property when Access(property.GetMethod!) is { } access =>
                    $"{access}{Virtual(property.GetMethod!)}{name}.{property.Name} : {Name(property.PropertyType)}{Mark(property.PropertyType, Nullability.Create(property).ReadState)}{Setter(property)}",
                FieldInfo { IsPublic: true } field => $"{name}.{field.Name} : {Name(field.FieldType)}",
                _ => null,
            };
            if (line is not null)
                yield return line;
        }
    }

    // What a record has of itself.
    static bool IsOfTheCompiler(MemberInfo member) =>
        member.IsDefined(typeof(CompilerGeneratedAttribute), inherit: false)
        || member.Name is "ToString" or "Equals" or "GetHashCode" or "Deconstruct" or "<Clone>$" or "EqualityContract" or "PrintMembers" or "Finalize"
        || (member is ConstructorInfo constructor && constructor.GetParameters() is [var only] && only.ParameterType == constructor.DeclaringType);

    static string? Access(MethodBase method) => method.IsPublic ? "" : (method.IsFamily || method.IsFamilyOrAssembly) && !method.DeclaringType!.IsSealed ? "protected " : null;

    static string Virtual(MethodInfo method) =>
        method is { IsVirtual: true, IsFinal: false, DeclaringType: { IsInterface: false, IsSealed: false } } && method.GetBaseDefinition() == method
            ? method.IsAbstract ? "abstract " : "virtual " : "";

    static string Kind(Type type) =>
        type.IsEnum ? "enum" : type.IsInterface ? "interface" : type.IsValueType ? "struct"
        : type is { IsAbstract: true, IsSealed: true } ? "static class" : type.IsAbstract ? "abstract class" : type.IsSealed ? "sealed class" : "class";

    static string Variance(Type type) =>
        type.IsGenericTypeDefinition && type.GetGenericArguments()[0].GenericParameterAttributes.HasFlag(GenericParameterAttributes.Covariant) ? " (covariant)" : "";

    static string Setter(PropertyInfo property)
    {
        var required = property.IsDefined(typeof(RequiredMemberAttribute), inherit: false) ? " required" : "";
        return property.SetMethod is not { IsPublic: true } setter ? ""
            : setter.ReturnParameter.GetRequiredCustomModifiers().Contains(typeof(IsExternalInit)) ? $"{required} init" : $"{required} set";
    }

    static string Parameters(MethodBase method) => string.Join(", ", method.GetParameters().Select(parameter =>
        $"{(method.IsDefined(typeof(ExtensionAttribute)) && parameter.Position == 0 ? "this " : "")}{(parameter.IsDefined(typeof(ParamArrayAttribute)) ? "params " : "")}"
        + $"{Named(parameter)} {parameter.Name}{(parameter.HasDefaultValue ? $" = {Default(parameter)}" : "")}"));

    static string Named(ParameterInfo parameter)
    {
        var type = parameter.ParameterType;
        var kind = !type.IsByRef ? "" : parameter.IsOut ? "out " : parameter.IsIn ? "in " : "ref ";
        var value = type.IsByRef ? type.GetElementType()! : type;
        return $"{kind}{Name(value)}{Mark(value, parameter.IsOut ? NullabilityState.Unknown : Nullability.Create(parameter).ReadState)}";
    }

    static string Mark(Type type, NullabilityState state) => state is NullabilityState.Nullable && !type.IsValueType && !type.IsGenericParameter ? "?" : "";

    static string Default(ParameterInfo parameter) => parameter.DefaultValue switch
    {
        null => "default",
        true => "true",
        false => "false",
        var value => Convert.ToString(value, System.Globalization.CultureInfo.InvariantCulture)!,
    };

    static string Generics(Type[] arguments) => arguments.Length == 0 ? "" : $"<{string.Join(", ", arguments.Select(Constrained))}>";

    static string Constrained(Type argument)
    {
        var constraints = argument.GetGenericParameterConstraints().Select(Name).Order(StringComparer.Ordinal).ToList();
        var flags = argument.GenericParameterAttributes;
        if (flags.HasFlag(GenericParameterAttributes.ReferenceTypeConstraint))
            constraints.Insert(0, "class");
        if (flags.HasFlag(GenericParameterAttributes.DefaultConstructorConstraint))
            constraints.Add("new()");
        return constraints.Count == 0 ? argument.Name : $"{argument.Name} : {string.Join(" & ", constraints)}";
    }

    static string Name(Type type)
    {
        if (type.IsArray)
            return $"{Name(type.GetElementType()!)}[]";
        if (type.IsGenericParameter)
            return type.Name;
        if (Nullable.GetUnderlyingType(type) is { } inner)
            return $"{Name(inner)}?";

        var name = type.IsNested ? $"{Name(type.DeclaringType!)}.{type.Name}" : type.Name;
        if (type.IsGenericType)
            name = $"{name.Split('`')[0]}<{string.Join(", ", type.GetGenericArguments().Select(Name))}>";
        return name;
    }
}

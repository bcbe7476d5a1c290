using System.Reflection;
using System.Runtime.CompilerServices;

namespace AspireJobs.Tests.Hosting;

/// <summary>The public types and members of an assembly, one line for each.</summary>
static class PublicSurface
{
    const BindingFlags Declared = BindingFlags.Public | BindingFlags.Instance | BindingFlags.Static | BindingFlags.DeclaredOnly;

    public static IEnumerable<string> Of(Assembly assembly) => assembly.GetExportedTypes()
        .Where(type => type.Namespace is { } space && (space == "Aspire.Hosting" || space.StartsWith("Aspire.Hosting.", StringComparison.Ordinal)))
        .SelectMany(Lines);

    static IEnumerable<string> Lines(Type type)
    {
        var name = Name(type);
        yield return $"{Kind(type)} {name}";
        if (type.IsEnum)
        {
            foreach (var value in Enum.GetNames(type))
                yield return $"{name}.{value} = {Convert.ToInt64(Enum.Parse(type, value), null)}";
            yield break;
        }
        foreach (var member in type.GetMembers(Declared).Where(member => !IsOfTheCompiler(type, member)))
        {
            var line = member switch
            {
                ConstructorInfo constructor => $"{name}({Parameters(constructor)})",
                MethodInfo { IsSpecialName: false } method => $"{name}.{method.Name}{Generics(method.GetGenericArguments())}({Parameters(method)}) : {Name(method.ReturnType)}",
                PropertyInfo property => $"{name}.{property.Name} : {Name(property.PropertyType)}{(property.SetMethod is { IsPublic: true } ? " set" : "")}",
                FieldInfo field => $"{name}.{field.Name} : {Name(field.FieldType)}",
                _ => null,
            };
            if (line is not null)
                yield return line;
        }
    }

    // What a record has of itself.
    static bool IsOfTheCompiler(Type type, MemberInfo member) =>
        member.IsDefined(typeof(CompilerGeneratedAttribute), inherit: false)
        || member.Name is "ToString" or "Equals" or "GetHashCode" or "Deconstruct" or "<Clone>$" or "EqualityContract"
        || (member is ConstructorInfo && type.IsValueType);

    static string Kind(Type type) =>
        type.IsEnum ? "enum" : type.IsInterface ? "interface" : type.IsValueType ? "struct"
        : type is { IsAbstract: true, IsSealed: true } ? "static class" : type.IsAbstract ? "abstract class" : type.IsSealed ? "sealed class" : "class";

    static string Parameters(MethodBase method) => string.Join(", ", method.GetParameters().Select(parameter =>
        $"{(parameter.IsDefined(typeof(ParamArrayAttribute)) ? "params " : "")}{Name(parameter.ParameterType)} {parameter.Name}{(parameter.HasDefaultValue ? $" = {Default(parameter)}" : "")}"));

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
        if (type.IsByRef)
            return $"ref {Name(type.GetElementType()!)}";
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

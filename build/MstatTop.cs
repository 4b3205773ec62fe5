// usage: dotnet run build/MstatTop.cs -- FILE.mstat [COUNT] [--types [PREFIX]]
// Prints the heaviest namespaces of a native binary, or its heaviest types with their type arguments, those only whose
// name starts with PREFIX. An mstat file is an assembly whose global methods "Types" and "Methods" hold, as IL that is
// never run, a token and its sizes one after another (docs: ilc "--mstat").
#:property PublishAot=false
#:property ManagePackageVersionsCentrally=false

using System.Collections.Immutable;
using System.Reflection.Metadata;
using System.Reflection.Metadata.Ecma335;
using System.Reflection.PortableExecutable;

var limit = args.Length > 1 ? int.Parse(args[1], System.Globalization.CultureInfo.InvariantCulture) : 10;
var byType = args.Length > 2 && args[2] == "--types";
var prefix = args.Length > 3 ? args[3] : "";
using var pe = new PEReader(File.OpenRead(args[0]));
var reader = pe.GetMetadataReader();
var version = reader.GetAssemblyDefinition().Version;
var names = new TypeNames(withArguments: byType);
var sizes = new Dictionary<string, long>(StringComparer.Ordinal);
foreach (var handle in reader.MethodDefinitions)
{
    var method = reader.GetMethodDefinition(handle);
    var numbers = reader.GetString(method.Name) switch { "Types" => 1, "Methods" => 3, _ => 0 };
    if (numbers > 0) Add(method, numbers);
}

Console.WriteLine($"mstat {version.Major}.{version.Minor}: {sizes.Values.Sum() / 1024:N0} KiB of code and type data");
foreach (var (name, size) in sizes.Where(p => p.Key.StartsWith(prefix, StringComparison.Ordinal)).OrderByDescending(p => p.Value).Take(limit))
    Console.WriteLine($"{size / 1024.0,8:N1} KiB  {name}");

// Each entry: ldtoken TOKEN, then the numbers (code, GC info, EH info), then the index of its name from version 2 on.
void Add(MethodDefinition method, int numbers)
{
    var il = pe.GetMethodBody(method.RelativeVirtualAddress).GetILReader();
    string? current = null;
    var taken = 0;
    while (il.RemainingBytes > 0)
    {
        var op = (ILOpCode)il.ReadByte();
        if (op == ILOpCode.Ldtoken) (current, taken) = (NameOf(MetadataTokens.EntityHandle(il.ReadInt32())), 0);
        else if (Constant(op, ref il) is { } value)
        {
            if (current is not null && taken++ < numbers) sizes[current] = sizes.GetValueOrDefault(current) + value;
        }
    }
}

static int? Constant(ILOpCode op, ref BlobReader il) => op switch
{
    >= ILOpCode.Ldc_i4_0 and <= ILOpCode.Ldc_i4_8 => op - ILOpCode.Ldc_i4_0,
    ILOpCode.Ldc_i4_m1 => -1,
    ILOpCode.Ldc_i4_s => il.ReadSByte(),
    ILOpCode.Ldc_i4 => il.ReadInt32(),
    _ => null,
};

string NameOf(EntityHandle handle)
{
    switch (handle.Kind)
    {
        case HandleKind.TypeReference:
            return names.GetTypeFromReference(reader, (TypeReferenceHandle)handle, 0);
        case HandleKind.TypeDefinition:
            return names.GetTypeFromDefinition(reader, (TypeDefinitionHandle)handle, 0);
        case HandleKind.TypeSpecification:
            return reader.GetTypeSpecification((TypeSpecificationHandle)handle).DecodeSignature(names, null);
        case HandleKind.MemberReference:
            var member = reader.GetMemberReference((MemberReferenceHandle)handle);
            return NameOf(member.Parent);
        case HandleKind.MethodDefinition:
            return NameOf(reader.GetMethodDefinition((MethodDefinitionHandle)handle).GetDeclaringType());
        case HandleKind.MethodSpecification:
            var method = reader.GetMethodSpecification((MethodSpecificationHandle)handle);
            var arguments = method.DecodeSignature(names, null);
            return names.GetGenericMethod(NameOf(method.Method), reader, method.Method, arguments);
        default:
            return "(other)";
    }
}

/// <summary>A type's namespace, or its whole name with the types it is made of.</summary>
internal sealed class TypeNames(bool withArguments) : ISignatureTypeProvider<string, object?>
{
    public string GetTypeFromReference(MetadataReader reader, TypeReferenceHandle handle, byte rawTypeKind)
    {
        var type = reader.GetTypeReference(handle);
        if (type.ResolutionScope.Kind != HandleKind.TypeReference) return Named(reader, type.Namespace, type.Name);
        var outer = GetTypeFromReference(reader, (TypeReferenceHandle)type.ResolutionScope, 0);
        return withArguments ? $"{outer}.{reader.GetString(type.Name)}" : outer;
    }

    public string GetTypeFromDefinition(MetadataReader reader, TypeDefinitionHandle handle, byte rawTypeKind)
    {
        var type = reader.GetTypeDefinition(handle);
        return Named(reader, type.Namespace, type.Name);
    }

    public string GetGenericMethod(string type, MetadataReader reader, EntityHandle method, ImmutableArray<string> arguments)
    {
        if (!withArguments || method.Kind != HandleKind.MemberReference) return type;
        return $"{type}.{reader.GetString(reader.GetMemberReference((MemberReferenceHandle)method).Name)}<{string.Join(", ", arguments)}>";
    }

    public string GetGenericInstantiation(string genericType, ImmutableArray<string> typeArguments) =>
        withArguments ? $"{genericType}<{string.Join(", ", typeArguments)}>" : genericType;

    public string GetTypeFromSpecification(MetadataReader reader, object? context, TypeSpecificationHandle handle, byte rawTypeKind) =>
        reader.GetTypeSpecification(handle).DecodeSignature(this, context);

    public string GetPrimitiveType(PrimitiveTypeCode typeCode) => withArguments ? typeCode.ToString() : "System";
    public string GetArrayType(string elementType, ArrayShape shape) => With(elementType, "[,]");
    public string GetSZArrayType(string elementType) => With(elementType, "[]");
    public string GetByReferenceType(string elementType) => With(elementType, "&");
    public string GetPointerType(string elementType) => With(elementType, "*");
    public string GetPinnedType(string elementType) => elementType;
    public string GetModifiedType(string modifier, string unmodifiedType, bool isRequired) => unmodifiedType;
    public string GetFunctionPointerType(MethodSignature<string> signature) => withArguments ? "System.Method*" : "System";
    public string GetGenericMethodParameter(object? context, int index) => $"!!{index}";
    public string GetGenericTypeParameter(object? context, int index) => $"!{index}";

    private string With(string name, string suffix) => withArguments ? name + suffix : name;

    private string Named(MetadataReader reader, StringHandle space, StringHandle name)
    {
        var first = space.IsNil ? "(no namespace)" : reader.GetString(space);
        return withArguments ? $"{first}.{reader.GetString(name)}" : first;
    }
}

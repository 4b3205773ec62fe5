// usage: dotnet run build/MstatTop.cs -- FILE.mstat [COUNT]
// Prints the heaviest namespaces of a native binary. An mstat file is an assembly whose global methods "Types" and
// "Methods" hold, as IL that is never run, a token and its sizes one after another (docs: ilc "--mstat").
#:property PublishAot=false
#:property ManagePackageVersionsCentrally=false

using System.Reflection.Metadata;
using System.Reflection.PortableExecutable;

var limit = args.Length > 1 ? int.Parse(args[1], System.Globalization.CultureInfo.InvariantCulture) : 10;
using var pe = new PEReader(File.OpenRead(args[0]));
var reader = pe.GetMetadataReader();
var version = reader.GetAssemblyDefinition().Version;
var sizes = new Dictionary<string, long>(StringComparer.Ordinal);
foreach (var handle in reader.MethodDefinitions)
{
    var method = reader.GetMethodDefinition(handle);
    var numbers = reader.GetString(method.Name) switch { "Types" => 1, "Methods" => 3, _ => 0 };
    if (numbers > 0) Add(method, numbers);
}

Console.WriteLine($"mstat {version.Major}.{version.Minor}: {sizes.Values.Sum() / 1024:N0} KiB of code and type data");
foreach (var (name, size) in sizes.OrderByDescending(p => p.Value).Take(limit))
    Console.WriteLine($"{size / 1024,8:N0} KiB  {name}");

// Each entry: ldtoken TOKEN, then the numbers (code, GC info, EH info), then the index of its name from version 2 on.
void Add(MethodDefinition method, int numbers)
{
    var il = pe.GetMethodBody(method.RelativeVirtualAddress).GetILReader();
    string? current = null;
    var taken = 0;
    while (il.RemainingBytes > 0)
    {
        var op = (ILOpCode)il.ReadByte();
        if (op == ILOpCode.Ldtoken) (current, taken) = (NamespaceOf(System.Reflection.Metadata.Ecma335.MetadataTokens.EntityHandle(il.ReadInt32())), 0);
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

string NamespaceOf(EntityHandle handle)
{
    switch (handle.Kind)
    {
        case HandleKind.TypeReference:
            var type = reader.GetTypeReference((TypeReferenceHandle)handle);
            if (type.ResolutionScope.Kind == HandleKind.TypeReference) return NamespaceOf(type.ResolutionScope);
            return Named(reader.GetString(type.Namespace));
        case HandleKind.TypeDefinition:
            return Named(reader.GetString(reader.GetTypeDefinition((TypeDefinitionHandle)handle).Namespace));
        case HandleKind.MemberReference:
            return NamespaceOf(reader.GetMemberReference((MemberReferenceHandle)handle).Parent);
        case HandleKind.MethodSpecification:
            return NamespaceOf(reader.GetMethodSpecification((MethodSpecificationHandle)handle).Method);
        case HandleKind.MethodDefinition:
            return NamespaceOf(reader.GetMethodDefinition((MethodDefinitionHandle)handle).GetDeclaringType());
        case HandleKind.TypeSpecification:
            return OfSpecification(reader.GetBlobReader(reader.GetTypeSpecification((TypeSpecificationHandle)handle).Signature));
        default:
            return "(other)";
    }
}

// Spec: ECMA-335 II.23.2.12. The first named type stands for the whole instance.
string OfSpecification(BlobReader signature)
{
    while (signature.RemainingBytes > 0)
    {
        var code = signature.ReadSignatureTypeCode();
        if (code == SignatureTypeCode.TypeHandle) return NamespaceOf(signature.ReadTypeHandle());
        if (code is not (SignatureTypeCode.GenericTypeInstance or SignatureTypeCode.SZArray or SignatureTypeCode.ByReference
            or SignatureTypeCode.Pointer or SignatureTypeCode.Array)) return Named("System");
        if (code == SignatureTypeCode.GenericTypeInstance) signature.ReadByte();
        if (code == SignatureTypeCode.GenericTypeInstance) return NamespaceOf(signature.ReadTypeHandle());
    }

    return "(other)";
}

static string Named(string name) => name.Length == 0 ? "(no namespace)" : name;

using System.Text.Json;

namespace EdgeSync.Nats.Wire;

/// <summary>Subjects that are allowed and denied, as the <c>import</c> and <c>export</c> of a leaf's INFO list them.</summary>
public sealed record SubjectPermission
{
    private IReadOnlyList<string> _allow = [];
    private IReadOnlyList<string> _deny = [];

    /// <summary>Empty: everything that is not denied.</summary>
    public IReadOnlyList<string> Allow { get => _allow; init => _allow = value; }

    public IReadOnlyList<string> Deny { get => _deny; init => _deny = value; }

    internal static bool TryRead(ref Utf8JsonReader reader, ref SubjectPermission? permission)
    {
        reader.Read();
        if (reader.TokenType == JsonTokenType.Null) return true;

        permission = new SubjectPermission();
        return JsonFields.TryReadFields(ref reader, permission, ReadField);
    }

    internal static void Write(Utf8JsonWriter writer, ReadOnlySpan<byte> name, SubjectPermission? permission)
    {
        if (permission is null) return;

        writer.WriteStartObject(name);
        JsonFields.WriteTexts(writer, "allow"u8, permission.Allow);
        JsonFields.WriteTexts(writer, "deny"u8, permission.Deny);
        writer.WriteEndObject();
    }

    private static bool ReadField(ref Utf8JsonReader reader, SubjectPermission permission)
    {
        if (reader.ValueTextEquals("allow"u8)) return JsonFields.TryTexts(ref reader, ref permission._allow);
        if (reader.ValueTextEquals("deny"u8)) return JsonFields.TryTexts(ref reader, ref permission._deny);
        return JsonFields.Skip(ref reader);
    }
}

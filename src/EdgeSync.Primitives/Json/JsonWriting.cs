using System.Buffers;
using System.Text.Json;

namespace EdgeSync.Primitives;

/// <summary>Writes one field of an object; what is null is left out.</summary>
public static class JsonWriting
{
    public static void Put(this Utf8JsonWriter json, ReadOnlySpan<byte> name, string? value)
    {
        if (value is not null) json.WriteString(name, value);
    }

    public static void Put(this Utf8JsonWriter json, ReadOnlySpan<byte> name, bool? value)
    {
        if (value is { } known) json.WriteBoolean(name, known);
    }

    public static void Put(this Utf8JsonWriter json, ReadOnlySpan<byte> name, long? value)
    {
        if (value is { } known) json.WriteNumber(name, known);
    }

    public static void Put(this Utf8JsonWriter json, ReadOnlySpan<byte> name, ulong value) => json.WriteNumber(name, value);

    public static void Put(this Utf8JsonWriter json, ReadOnlySpan<byte> name, double? value)
    {
        if (value is { } known) json.WriteNumber(name, known);
    }

    public static void Put(this Utf8JsonWriter json, ReadOnlySpan<byte> name, DateTime? value)
    {
        if (value is { } known) json.WriteString(name, known);
    }

    public static void Put(this Utf8JsonWriter json, ReadOnlySpan<byte> name, DateTimeOffset? value)
    {
        if (value is { } known) json.WriteString(name, known);
    }

    public static void Put(this Utf8JsonWriter json, ReadOnlySpan<byte> name, IJsonObject? value)
    {
        if (value is null) return;

        json.WritePropertyName(name);
        json.WriteObject(value);
    }

    public static void Put(this Utf8JsonWriter json, ReadOnlySpan<byte> name, IEnumerable<IJsonObject>? values)
    {
        if (values is null) return;

        json.WriteStartArray(name);
        foreach (var value in values) json.WriteObject(value);
        json.WriteEndArray();
    }

    public static void Put(this Utf8JsonWriter json, ReadOnlySpan<byte> name, IEnumerable<string?>? values)
    {
        if (values is null) return;

        json.WritePropertyName(name);
        json.WriteTexts(values);
    }

    /// <summary>A table: an array for each row, in which a missing value is null.</summary>
    public static void Put(this Utf8JsonWriter json, ReadOnlySpan<byte> name, IEnumerable<IReadOnlyList<string?>> rows)
    {
        json.WriteStartArray(name);
        foreach (var row in rows) json.WriteTexts(row);
        json.WriteEndArray();
    }

    public static void Put(this Utf8JsonWriter json, ReadOnlySpan<byte> name, IReadOnlyDictionary<string, string>? values)
    {
        if (values is null) return;

        json.WritePropertyName(name);
        json.WriteTexts(values);
    }

    public static void Put(this Utf8JsonWriter json, ReadOnlySpan<byte> name, IReadOnlyDictionary<string, long>? values)
    {
        if (values is null) return;

        json.WriteStartObject(name);
        foreach (var (key, value) in values) json.WriteNumber(key, value);
        json.WriteEndObject();
    }

    /// <summary>An object as UTF-8.</summary>
    public static byte[] ToBytes(IJsonObject value, JsonWriterOptions options = default)
    {
        var buffer = new ArrayBufferWriter<byte>(1024);
        using (var json = new Utf8JsonWriter(buffer, options)) json.WriteObject(value);
        return buffer.WrittenSpan.ToArray();
    }

    /// <summary>The object itself, braces included.</summary>
    public static void WriteObject(this Utf8JsonWriter json, IJsonObject value)
    {
        json.WriteStartObject();
        value.WriteFields(json);
        json.WriteEndObject();
    }

    /// <summary>An object whose names are not ours.</summary>
    public static void WriteTexts(this Utf8JsonWriter json, IReadOnlyDictionary<string, string> values)
    {
        json.WriteStartObject();
        foreach (var (key, value) in values) json.WriteString(key, value);
        json.WriteEndObject();
    }

    private static void WriteTexts(this Utf8JsonWriter json, IEnumerable<string?> values)
    {
        json.WriteStartArray();
        foreach (var value in values) json.WriteStringValue(value);
        json.WriteEndArray();
    }
}

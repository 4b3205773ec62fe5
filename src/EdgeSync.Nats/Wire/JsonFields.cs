using System.Text.Json;

namespace EdgeSync.Nats.Wire;

/// <summary>Reads one flat JSON object field by field, for INFO and CONNECT; what nobody asks for is skipped.</summary>
internal static class JsonFields
{
    /// <summary>The reader stands on a name: takes its value, or skips it. False: it has the wrong type.</summary>
    public delegate bool FieldHandler<T>(ref Utf8JsonReader reader, T target);

    // Plain escaping is ours to choose: '<', '>' and '&' are written as they are, which every JSON reader takes.
    public static JsonWriterOptions WriterOptions { get; } =
        new() { Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>False when this is no JSON object, or a field has the wrong type. Null is as good as absent.</summary>
    public static bool TryRead<T>(ReadOnlySpan<byte> json, T target, FieldHandler<T> handler)
    {
        // Utf8JsonReader reports bad text by throwing; here, at the border, it becomes a value.
        try
        {
            var reader = new Utf8JsonReader(json);
            if (!reader.Read() || reader.TokenType != JsonTokenType.StartObject) return false;

            return TryReadFields(ref reader, target, handler) && !reader.Read();
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or FormatException)
        {
            return false;
        }
    }

    /// <summary>The fields of an object inside another one; the reader stands on its begin.</summary>
    public static bool TryReadFields<T>(ref Utf8JsonReader reader, T target, FieldHandler<T> handler)
    {
        if (reader.TokenType != JsonTokenType.StartObject) return false;

        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            if (!handler(ref reader, target)) return false;
        }

        return reader.TokenType == JsonTokenType.EndObject;
    }

    public static bool TryText(ref Utf8JsonReader reader, ref string text)
    {
        reader.Read();
        if (reader.TokenType == JsonTokenType.Null) return true;
        if (reader.TokenType != JsonTokenType.String) return false;

        text = reader.GetString()!;
        return true;
    }

    public static bool TryFlag(ref Utf8JsonReader reader, ref bool flag)
    {
        reader.Read();
        if (reader.TokenType == JsonTokenType.Null) return true;
        if (reader.TokenType is not (JsonTokenType.True or JsonTokenType.False)) return false;

        flag = reader.TokenType == JsonTokenType.True;
        return true;
    }

    public static bool TryNumber(ref Utf8JsonReader reader, ref long number)
    {
        reader.Read();
        if (reader.TokenType == JsonTokenType.Null) return true;
        return reader.TokenType == JsonTokenType.Number && reader.TryGetInt64(out number);
    }

    public static bool TryNumber(ref Utf8JsonReader reader, ref int number)
    {
        var wide = (long)number;
        if (!TryNumber(ref reader, ref wide)) return false;

        number = (int)Math.Clamp(wide, int.MinValue, int.MaxValue);
        return true;
    }

    public static bool TryTexts(ref Utf8JsonReader reader, ref IReadOnlyList<string> texts)
    {
        reader.Read();
        if (reader.TokenType == JsonTokenType.Null) return true;
        if (reader.TokenType != JsonTokenType.StartArray) return false;

        var read = new List<string>();
        while (reader.Read() && reader.TokenType == JsonTokenType.String) read.Add(reader.GetString()!);
        texts = read;
        return reader.TokenType == JsonTokenType.EndArray;
    }

    public static bool Skip(ref Utf8JsonReader reader)
    {
        reader.Read();
        reader.Skip();
        return true;
    }

    public static void WriteText(Utf8JsonWriter writer, ReadOnlySpan<byte> name, string text)
    {
        if (text.Length > 0) writer.WriteString(name, text);
    }

    public static void WriteFlag(Utf8JsonWriter writer, ReadOnlySpan<byte> name, bool flag)
    {
        if (flag) writer.WriteBoolean(name, true);
    }

    public static void WriteNumber(Utf8JsonWriter writer, ReadOnlySpan<byte> name, long number)
    {
        if (number != 0) writer.WriteNumber(name, number);
    }

    public static void WriteTexts(Utf8JsonWriter writer, ReadOnlySpan<byte> name, IReadOnlyList<string> texts)
    {
        if (texts.Count == 0) return;

        writer.WriteStartArray(name);
        foreach (var text in texts) writer.WriteStringValue(text);
        writer.WriteEndArray();
    }
}

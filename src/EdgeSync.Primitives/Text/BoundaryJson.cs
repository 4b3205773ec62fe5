using System.Diagnostics.CodeAnalysis;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization.Metadata;

namespace EdgeSync.Primitives;

/// <summary>
/// JSON objects that a peer sent, read by a source-generated contract without an exception. Members that the contract
/// does not name are skipped, and <c>null</c> counts as absent, as in Go's decoder.
/// </summary>
public static class BoundaryJson
{
    private const int DepthMax = 64;

    /// <summary>
    /// Reads one object over earlier values: a member that is present replaces the old value. False when this is
    /// not exactly one JSON object, or a member has the wrong type.
    /// </summary>
    /// <param name="json">UTF-8 text.</param>
    /// <param name="before">Values of absent members.</param>
    /// <param name="type">A contract that writes every member, also those at their default.</param>
    /// <param name="value">What was read; <paramref name="before"/> when the result is false.</param>
    public static bool TryRead<T>(ReadOnlySpan<byte> json, T before, JsonTypeInfo<T> type, out T value)
    {
        value = before;
        try
        {
            using var document = Parse(json);
            if (JsonSerializer.SerializeToNode(before, type) is not JsonObject merged) return false;
            if (document.RootElement.ValueKind != JsonValueKind.Object) return false;

            foreach (var member in document.RootElement.EnumerateObject())
            {
                if (member.Value.ValueKind == JsonValueKind.Null || !merged.ContainsKey(member.Name)) continue;
                if (HasNullElement(member.Value)) return false;

                merged[member.Name] = NodeOf(member.Value);
            }

            value = merged.Deserialize(type)!;
            return true;
        }
        catch (Exception e) when (IsBadText(e))
        {
            return false;
        }
    }

    /// <summary>
    /// Reads one object leniently: a member of the wrong type reads as absent, an element of the wrong type is left out
    /// of its list. False only when this is not exactly one JSON object.
    /// </summary>
    /// <param name="json">UTF-8 text.</param>
    /// <param name="type">A contract whose members are texts, numbers (long) and lists of texts, each nullable.</param>
    /// <param name="value">Null when the result is false.</param>
    public static bool TryReadLeniently<T>(
        ReadOnlySpan<byte> json, JsonTypeInfo<T> type, [NotNullWhen(true)] out T? value)
        where T : class
    {
        value = null;
        try
        {
            using var document = Parse(json);
            if (document.RootElement.ValueKind != JsonValueKind.Object) return false;

            var kept = new JsonObject();
            foreach (var member in document.RootElement.EnumerateObject())
                if (type.Properties.FirstOrDefault(property => property.Name == member.Name) is { } property)
                    kept[member.Name] = Fitting(property.PropertyType, member.Value);

            value = kept.Deserialize(type);
            return value is not null;
        }
        catch (Exception e) when (IsBadText(e))
        {
            return false;
        }
    }

    private static JsonDocument Parse(ReadOnlySpan<byte> json)
    {
        var reader = new Utf8JsonReader(json, new JsonReaderOptions { MaxDepth = DepthMax });
        var document = JsonDocument.ParseValue(ref reader);
        if (!reader.Read()) return document;

        document.Dispose();
        throw new JsonException("more than one value");
    }

    private static JsonNode? Fitting(Type type, JsonElement value)
    {
        if (type == typeof(string)) return TextOf(value);
        if (type == typeof(long?))
            return value.ValueKind == JsonValueKind.Number && value.TryGetInt64(out var number) ? number : null;
        if (value.ValueKind != JsonValueKind.Array) return null;

        var texts = new JsonArray();
        foreach (var element in value.EnumerateArray())
            if (TextOf(element) is { } text)
                texts.Add((JsonNode)text);
        return texts;
    }

    private static string? TextOf(JsonElement value)
    {
        if (value.ValueKind != JsonValueKind.String) return null;

        try
        {
            return value.GetString();
        }
        catch (InvalidOperationException)
        {
            return null;   // half a surrogate pair, or bytes that are not UTF-8
        }
    }

    private static JsonNode? NodeOf(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Object => JsonObject.Create(value),
        JsonValueKind.Array => JsonArray.Create(value),
        _ => JsonValue.Create(value),
    };

    private static bool HasNullElement(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Array => value.EnumerateArray().Any(e => e.ValueKind == JsonValueKind.Null || HasNullElement(e)),
        JsonValueKind.Object => value.EnumerateObject().Any(m => HasNullElement(m.Value)),
        _ => false,
    };

    // What System.Text.Json throws for text that is not JSON, not UTF-8 or of the wrong type.
    private static bool IsBadText(Exception e) =>
        e is JsonException or InvalidOperationException or FormatException or ArgumentException
        or NotSupportedException;
}

using System.Text.Json;

namespace EdgeSync.Node.Status;

/// <summary>Fields of an object that one of our own kind has written: what is left out was null, or zero, or empty.</summary>
internal static class JsonReading
{
    /// <exception cref="JsonException">It is not there, or no text.</exception>
    public static string Text(this JsonElement json, string name) => json.OptionalText(name) ?? throw Missing(name);

    public static string? OptionalText(this JsonElement json, string name) => json.Find(name, JsonValueKind.String)?.GetString();

    public static long Number(this JsonElement json, string name) => json.OptionalNumber(name) ?? 0;

    public static long? OptionalNumber(this JsonElement json, string name) =>
        json.Find(name, JsonValueKind.Number) is not { } value ? null : value.TryGetInt64(out var number) ? number : throw Wrong(name);

    public static double? OptionalFraction(this JsonElement json, string name) =>
        json.Find(name, JsonValueKind.Number) is not { } value ? null : value.TryGetDouble(out var number) ? number : throw Wrong(name);

    public static bool Flag(this JsonElement json, string name)
    {
        if (json.Find(name) is not { } value) return false;

        return value.ValueKind switch
        {
            JsonValueKind.True => true,
            JsonValueKind.False => false,
            _ => throw Wrong(name),
        };
    }

    /// <exception cref="JsonException">It is not there, or no moment.</exception>
    public static DateTimeOffset Moment(this JsonElement json, string name) => json.OptionalMoment(name) ?? throw Missing(name);

    public static DateTimeOffset? OptionalMoment(this JsonElement json, string name) =>
        json.Find(name, JsonValueKind.String) is not { } value ? null : value.TryGetDateTimeOffset(out var moment) ? moment : throw Wrong(name);

    public static T? Optional<T>(this JsonElement json, string name, Func<JsonElement, T> read)
        where T : class => json.Find(name, JsonValueKind.Object) is { } value ? read(value) : null;

    public static IReadOnlyList<T> List<T>(this JsonElement json, string name, Func<JsonElement, T> read)
        where T : class
    {
        if (json.Find(name, JsonValueKind.Array) is not { } array) return [];

        var values = new List<T>();
        foreach (var item in array.EnumerateArray()) values.Add(item.ValueKind == JsonValueKind.Object ? read(item) : throw Wrong(name));
        return values;
    }

    public static IReadOnlyList<string> Texts(this JsonElement json, string name)
    {
        if (json.Find(name, JsonValueKind.Array) is not { } array) return [];

        var values = new List<string>();
        foreach (var item in array.EnumerateArray()) values.Add(item.ValueKind == JsonValueKind.String ? item.GetString()! : throw Wrong(name));
        return values;
    }

    public static IReadOnlyDictionary<string, string> TextMap(this JsonElement json, string name)
    {
        var values = new Dictionary<string, string>();
        if (json.Find(name, JsonValueKind.Object) is not { } map) return values;

        foreach (var item in map.EnumerateObject()) values[item.Name] = item.Value.ValueKind == JsonValueKind.String ? item.Value.GetString()! : throw Wrong(name);
        return values;
    }

    private static JsonElement? Find(this JsonElement json, string name, JsonValueKind kind) =>
        json.Find(name) is not { } value ? null : value.ValueKind == kind ? value : throw Wrong(name);

    private static JsonElement? Find(this JsonElement json, string name) =>
        json.TryGetProperty(name, out var value) && value.ValueKind != JsonValueKind.Null ? value : null;

    private static JsonException Missing(string name) => new($"'{name}' is missing");

    private static JsonException Wrong(string name) => new($"'{name}' is of another kind");
}

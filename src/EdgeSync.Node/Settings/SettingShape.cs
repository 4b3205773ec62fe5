using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using EdgeSync.Primitives;

namespace EdgeSync.Node.Settings;

/// <summary>
/// The allowed values at one place of the settings. Configuration providers hold only text and ignore the case of
/// names: <c>"enabled": "true"</c> and <c>"Nats"</c> would bind. Names and JSON types are therefore checked here first.
/// </summary>
internal readonly struct SettingShape
{
    private readonly JsonTypeInfo _type;

    private SettingShape(JsonTypeInfo type, bool isLive)
    {
        (_type, IsLive) = (type, isLive);
    }

    /// <summary>All settings.</summary>
    public static SettingShape Root => new(SettingsJson.Default.NodeSettings, isLive: false);

    /// <summary>A reload applies it (<see cref="LiveAttribute"/>).</summary>
    public bool IsLive { get; }

    public bool IsSection => _type.Kind == JsonTypeInfoKind.Object;

    public bool IsList => _type.Kind == JsonTypeInfoKind.Enumerable;

    /// <summary>The names of a section, in order.</summary>
    public IEnumerable<string> Names => Settable.Select(p => p.Name);

    /// <summary>The shape of a list's elements.</summary>
    public SettingShape Element => Of(_type.ElementType!, IsLive);

    /// <summary>The accepted words; null without such a list.</summary>
    public IReadOnlyList<string>? Words => ValueType.IsEnum ? [.. Enum.GetNames(ValueType).Select(WordOf)] : null;

    // A property derived from other settings has no setter.
    private IEnumerable<JsonPropertyInfo> Settable => _type.Properties.Where(p => p.Set is not null);

    private Type ValueType => Nullable.GetUnderlyingType(_type.Type) ?? _type.Type;

    /// <summary>How an enumeration's member is written in the settings.</summary>
    public static string WordOf(string member) => member.ToLowerInvariant();

    /// <summary>By a path such as <c>nats.bind</c> or <c>repositories[*].poll</c>, that exists.</summary>
    public static SettingShape At(string path)
    {
        var shape = Root;
        foreach (var part in path.Split('.'))
        {
            var index = part.IndexOf('[', StringComparison.Ordinal);
            shape = shape.Find(index < 0 ? part : part[..index])
                ?? throw new ArgumentException($"unknown setting {path}", nameof(path));
            if (index >= 0) shape = shape.Element;
        }

        return shape;
    }

    /// <summary>Null when the section has no such name; case matters.</summary>
    public SettingShape? Find(string name)
    {
        foreach (var property in Settable)
        {
            if (property.Name != name) continue;

            var isMarked = property.AttributeProvider?.IsDefined(typeof(LiveAttribute), inherit: false) == true;
            return Of(property.PropertyType, IsLive || isMarked);
        }

        return null;
    }

    /// <summary>Why a JSON value is invalid there, or null.</summary>
    /// <param name="text">The value; becomes the binder's form: a duration turns into <c>hh:mm:ss</c>.</param>
    public string? FaultOf(JsonTokenType token, ref string text)
    {
        var isText = token == JsonTokenType.String;
        if (IsSection) return "an object is expected";
        if (IsList) return "a list is expected";
        if (ValueType == typeof(string)) return isText ? null : "a text is expected";
        if (ValueType == typeof(bool))
            return token is JsonTokenType.True or JsonTokenType.False ? null : "true or false is expected";
        if (ValueType == typeof(int))
            return token == JsonTokenType.Number && IsWhole(text) ? null : "a whole number is expected";
        if (Words is { } words)
        {
            return isText && words.Contains(text, StringComparer.OrdinalIgnoreCase)
                ? null : $"'{text}' is not one of {string.Join(", ", words)}";
        }

        if (!isText) return "a duration is a text such as \"30s\"";
        if (!Durations.TryParse(text, out var span)) return Durations.FaultOf(text);

        text = span.ToString("c", CultureInfo.InvariantCulture);
        return null;
    }

    /// <summary>The same for the text of a flag or variable, which has no JSON type.</summary>
    public string? FaultOf(ref string text)
    {
        var token = ValueType == typeof(int) ? JsonTokenType.Number
            : ValueType == typeof(bool) ? JsonTokenType.True
            : JsonTokenType.String;
        return FaultOf(token, ref text);
    }

    private static bool IsWhole(string text) =>
        int.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out _);

    private static SettingShape Of(Type type, bool isLive) => new(SettingsJson.Default.GetTypeInfo(type)!, isLive);
}

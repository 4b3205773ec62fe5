using System.Buffers;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using EdgeSync.Agent;
using EdgeSync.Primitives;

namespace EdgeSync.Node.Settings;

/// <summary>
/// The settings as JSON: their names, types and order are those of the properties (<see cref="SettingShape"/>).
/// It writes only; a file is read by <see cref="SettingsFile"/> and bound by the configuration binder.
/// </summary>
[JsonSourceGenerationOptions(
    GenerationMode = JsonSourceGenerationMode.Metadata,
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    IgnoreReadOnlyProperties = true,
    Converters =
    [
        typeof(DurationConverter), typeof(WordConverter<NodeRole>), typeof(WordConverter<AutosyncMode>),
        typeof(WordConverter<StatusAccess>), typeof(WordConverter<IrohDiscoveryMode>),
        typeof(WordConverter<LogFormat>), typeof(WordConverter<LogLevel>),
    ])]
[JsonSerializable(typeof(NodeSettings))]
internal sealed partial class SettingsJson : JsonSerializerContext
{
    private static readonly JsonWriterOptions AsPeopleWrite =
        new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>A section with all its values, defaults and secrets included, for comparison.</summary>
    public static string Write(RepositorySettings repository) =>
        JsonSerializer.Serialize(repository, Default.RepositorySettings);

    /// <inheritdoc cref="Write(RepositorySettings)"/>
    public static string Write(NatsRemote remote) => JsonSerializer.Serialize(remote, Default.NatsRemote);

    /// <summary>Every value by its path, as JSON, defaults and secrets included.</summary>
    /// <param name="isByElement">
    /// The elements of a list of objects have paths of their own: <c>repositories[0].poll</c>.
    /// </param>
    public static IReadOnlyList<(string Path, string Value)> Flatten(NodeSettings settings, bool isByElement)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer, AsPeopleWrite))
            JsonSerializer.Serialize(json, settings, Default.NodeSettings);
        using var document = JsonDocument.Parse(buffer.WrittenMemory);
        var values = new List<(string Path, string Value)>();
        Flatten(document.RootElement, "", isByElement, values);
        return values;
    }

    private static void Flatten(
        JsonElement element, string path, bool isByElement, List<(string Path, string Value)> values)
    {
        switch (element.ValueKind)
        {
            case JsonValueKind.Object:
                foreach (var field in element.EnumerateObject())
                    Flatten(field.Value, path.Length == 0 ? field.Name : $"{path}.{field.Name}", isByElement, values);
                break;
            case JsonValueKind.Array when isByElement && IsOfObjects(element):
                for (var i = 0; i < element.GetArrayLength(); i++)
                    Flatten(element[i], $"{path}[{i}]", isByElement, values);
                break;
            default:
                values.Add((path, element.GetRawText()));
                break;
        }
    }

    private static bool IsOfObjects(JsonElement list) =>
        list.GetArrayLength() > 0 && list[0].ValueKind == JsonValueKind.Object;

    private sealed class DurationConverter : JsonConverter<TimeSpan>
    {
        public override TimeSpan Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
            throw new NotSupportedException();

        public override void Write(Utf8JsonWriter writer, TimeSpan value, JsonSerializerOptions options) =>
            writer.WriteStringValue(Durations.Format(value));
    }

    private sealed class WordConverter<T> : JsonConverter<T>
        where T : struct, Enum
    {
        public override T Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
            throw new NotSupportedException();

        public override void Write(Utf8JsonWriter writer, T value, JsonSerializerOptions options) =>
            writer.WriteStringValue(SettingShape.WordOf(value.ToString()));
    }
}

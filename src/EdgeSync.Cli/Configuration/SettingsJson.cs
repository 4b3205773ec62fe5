using System.Text.Json;
using System.Text.Json.Serialization;
using EdgeSync.Agent;
using EdgeSync.Cli.Commands;
using EdgeSync.Cli.Operations;
using EdgeSync.Cli.Printing;

namespace EdgeSync.Cli.Configuration;

/// <summary>Reads and writes <c>edgesync.json</c>. Comments and trailing commas are welcome, unknown names are not.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
    ReadCommentHandling = JsonCommentHandling.Skip,
    AllowTrailingCommas = true,
    WriteIndented = true,
    GenerationMode = JsonSourceGenerationMode.Metadata,
    Converters = [typeof(DurationConverter), typeof(RoleConverter), typeof(AutosyncConverter), typeof(LogFormatConverter), typeof(LogLevelConverter), typeof(StatusAccessConverter)])]
[JsonSerializable(typeof(NodeSettings))]
[JsonSerializable(typeof(RepositorySettings))]
internal sealed partial class SettingsJson : JsonSerializerContext;

/// <summary><c>"30s"</c>, <c>"10m"</c>, <c>"0"</c>: as on the command line.</summary>
internal sealed class DurationConverter : JsonConverter<TimeSpan>
{
    public override TimeSpan Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        if (reader.TokenType != JsonTokenType.String) throw new JsonException("a span of time is a text such as \"30s\"");

        var text = reader.GetString()!;
        return Durations.TryParse(text, out var span) ? span : throw new JsonException($"'{text}' is no span of time: 30s, 10m, 2h or 7d");
    }

    public override void Write(Utf8JsonWriter writer, TimeSpan value, JsonSerializerOptions options) => writer.WriteStringValue(Durations.Format(value));
}

internal sealed class RoleConverter() : WordConverter<NodeRole>([("peer", NodeRole.Peer), ("hub", NodeRole.Hub), ("leaf", NodeRole.Leaf)]);

/// <summary><c>pullonly</c>, as the original spells it: no separators.</summary>
internal sealed class AutosyncConverter()
    : WordConverter<AutosyncMode>([("off", AutosyncMode.Off), ("on", AutosyncMode.On), ("pullonly", AutosyncMode.PullOnly)]);

internal sealed class LogFormatConverter() : WordConverter<LogFormat>([("auto", LogFormat.Auto), ("text", LogFormat.Text), ("json", LogFormat.Json)]);

internal sealed class LogLevelConverter()
    : WordConverter<LogLevel>([("debug", LogLevel.Debug), ("info", LogLevel.Info), ("warning", LogLevel.Warning), ("error", LogLevel.Error)]);

internal sealed class StatusAccessConverter() : WordConverter<StatusAccess>([("local", StatusAccess.Local), ("everybody", StatusAccess.Everybody)]);

using System.Buffers;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;

namespace EdgeSync.Nats.Wire;

/// <summary>INFO and CONNECT as text: empty, false and zero fields are omitted, as in nats-server.</summary>
internal static class WireJson
{
    // nats-server always writes these.
    private static readonly string[] InEveryInfo =
        ["server_id", "server_name", "version", "proto", "host", "port", "headers", "max_payload"];

    // A server treats absent as true in the first two; a leafnode's CONNECT has none of them.
    private static readonly string[] InClientConnect = ["verbose", "pedantic", "tls_required", "echo"];

    // '<', '>' and '&' are not escaped, which every JSON reader accepts.
    private static readonly JsonSerializerOptions Terse = new(WireContext.Default.Options)
    {
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        TypeInfoResolver = WireContext.Default.WithAddedModifier(LeaveOutEmpty),
    };

    /// <param name="output">Receives one JSON object.</param>
    /// <param name="value">A type of <see cref="WireContext"/>.</param>
    public static void Write<T>(IBufferWriter<byte> output, T value)
    {
        using var writer = new Utf8JsonWriter(output, new JsonWriterOptions { Encoder = Terse.Encoder });
        JsonSerializer.Serialize(writer, value, (JsonTypeInfo<T>)Terse.GetTypeInfo(typeof(T)));
    }

    private static void LeaveOutEmpty(JsonTypeInfo type)
    {
        foreach (var property in type.Properties)
        {
            var name = property.Name;
            property.ShouldSerialize = (owner, value) => owner switch
            {
                ServerInfo when InEveryInfo.Contains(name) => true,
                ServerInfo when name == "leafnode_urls" => value is not null,
                ConnectOptions connect when InClientConnect.Contains(name) => !connect.IsLeaf,
                _ => value is not (null or "" or false or 0 or 0L or IReadOnlyCollection<string> { Count: 0 }),
            };
        }
    }
}

[JsonSourceGenerationOptions(GenerationMode = JsonSourceGenerationMode.Metadata)]
[JsonSerializable(typeof(ServerInfo))]
[JsonSerializable(typeof(ConnectOptions))]
internal sealed partial class WireContext : JsonSerializerContext;

using System.Text.Json;
using EdgeSync.Nats.Broker;
using EdgeSync.Primitives;

namespace EdgeSync.Net.Nats;

/// <summary>
/// Monitoring pages of parts that this broker does not have, or has one of: in the shape of nats-server, so that its tools
/// read "none" instead of an error.
/// </summary>
// Spec: captured from nats-server 2.9.10 without routes, gateways and JetStream.
internal sealed class AbsentParts(BrokerCore core, Instant now, string page) : IJsonObject
{
    private const string Account = "$G";

    /// <summary>The pages that it knows.</summary>
    public static bool Has(string page) => page is "/routez" or "/gatewayz" or "/accountz" or "/jsz";

    public void WriteFields(Utf8JsonWriter json)
    {
        json.Put("server_id"u8, core.ServerId);
        json.Put("now"u8, now.ToDateTime());
        switch (page)
        {
            case "/routez":
                json.Put("num_routes"u8, 0);
                json.Put("routes"u8, (IReadOnlyList<string>)[]);
                break;
            case "/gatewayz":
                WriteEmpty(json, "outbound_gateways");
                WriteEmpty(json, "inbound_gateways");
                break;
            case "/accountz":
                json.Put("accounts"u8, (IReadOnlyList<string>)[Account]);
                break;
            default:
                WriteNoJetStream(json);
                break;
        }
    }

    private static void WriteNoJetStream(Utf8JsonWriter json)
    {
        json.Put("disabled"u8, true);
        WriteZeros(json, "config", ["max_memory", "max_storage"]);
        foreach (var name in (string[])["memory", "storage", "reserved_memory", "reserved_storage", "accounts", "ha_assets"]) json.WriteNumber(name, 0);
        WriteZeros(json, "api", ["total", "errors"]);
        foreach (var name in (string[])["streams", "consumers", "messages", "bytes"]) json.WriteNumber(name, 0);
    }

    private static void WriteEmpty(Utf8JsonWriter json, string name) => WriteZeros(json, name, []);

    private static void WriteZeros(Utf8JsonWriter json, string name, ReadOnlySpan<string> fields)
    {
        json.WriteStartObject(name);
        foreach (var field in fields) json.WriteNumber(field, 0);
        json.WriteEndObject();
    }
}

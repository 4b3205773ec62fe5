using System.Buffers;
using System.Net;
using System.Text.Json;
using EdgeSync.Iroh.Endpoints;
using EdgeSync.Node.Settings;
using EdgeSync.Quic;

namespace EdgeSync.Node.Can.Mirror;

/// <summary>
/// The ways to an endpoint in a file, as the original's agents exchange them:
/// <c>{"id":"64 hex digits","addrs":[{"Relay":"https://…"},{"Ip":"127.0.0.1:54321"}]}</c>. A file with a ticket, or
/// with an id, is read too. Spec: can.md §6.3.
/// </summary>
internal static class TicketFiles
{
    private const int BytesMax = 64 * 1024;

    public static byte[] Format(EndpointAddress address)
    {
        var text = new ArrayBufferWriter<byte>();
        using (var writer = new Utf8JsonWriter(text))
        {
            writer.WriteStartObject();
            writer.WriteString("id", address.Id.ToString());
            writer.WriteStartArray("addrs");
            foreach (var relay in address.Relays) WriteOne(writer, "Relay", relay.Text);
            foreach (var direct in address.Direct) WriteOne(writer, "Ip", direct.ToString());
            writer.WriteEndArray();
            writer.WriteEndObject();
        }

        return text.WrittenSpan.ToArray();
    }

    /// <summary>Null for anything else.</summary>
    public static EndpointAddress? TryParse(string text)
    {
        if (IrohPeer.TryParse(text.Trim(), out var address, out _)) return address;

        try
        {
            using var document = JsonDocument.Parse(text);
            return document.RootElement is { ValueKind: JsonValueKind.Object } root
                && root.TryGetProperty("id", out var id) && id.ValueKind == JsonValueKind.String
                && EndpointId.TryParse(id.GetString(), out var endpoint) ? Read(endpoint, root) : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    /// <summary>Replaces the file as a whole.</summary>
    public static void Write(string path, EndpointAddress address)
    {
        var making = $"{path}.{Environment.ProcessId}.new";
        File.WriteAllBytes(making, Format(address));
        File.Move(making, path, overwrite: true);
    }

    /// <summary>Null while the file is not there, or is not whole yet.</summary>
    public static EndpointAddress? TryRead(string path)
    {
        try
        {
            var file = new FileInfo(path);
            return file.Exists && file.Length <= BytesMax ? TryParse(File.ReadAllText(path)) : null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    private static void WriteOne(Utf8JsonWriter writer, string kind, string value)
    {
        writer.WriteStartObject();
        writer.WriteString(kind, value);
        writer.WriteEndObject();
    }

    // What is not known is skipped: it may be of a newer version.
    private static EndpointAddress Read(EndpointId id, JsonElement root)
    {
        var (relays, direct) = (new List<RelayUrl>(), new List<UdpAddress>());
        if (root.TryGetProperty("addrs", out var list) && list.ValueKind == JsonValueKind.Array)
        {
            foreach (var entry in list.EnumerateArray())
            {
                if (entry.ValueKind != JsonValueKind.Object) continue;
                if (TextOf(entry, "Relay") is { } url && RelayUrl.TryParse(url, out var relay)) relays.Add(relay);
                if (TextOf(entry, "Ip") is { } text && IPEndPoint.TryParse(text, out var ip) && ip.Port > 0)
                    direct.Add(UdpAddress.From(ip.Address, ip.Port));
            }
        }

        return new EndpointAddress(id, relays, direct);
    }

    private static string? TextOf(JsonElement entry, string name) =>
        entry.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;
}

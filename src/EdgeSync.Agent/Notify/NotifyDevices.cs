using System.Text.Json;
using EdgeSync.Primitives;

namespace EdgeSync.Agent.Notify;

/// <summary>A device that may take part.</summary>
/// <param name="EndpointId">Its iroh endpoint; empty without one.</param>
public sealed record NotifyDevice(string Name, string EndpointId, Instant PairedAt);

/// <summary>A token that was handed out and not used yet.</summary>
public sealed record PendingToken(string TokenHash, Instant CreatedAt, Instant ExpiresAt, string DeviceName);

/// <summary>
/// The registry of devices: <c>_notify/devices.json</c>, <c>{"devices":[{"name","endpoint_id","paired_at"}]}</c>, as
/// the original writes it.
/// </summary>
public static class NotifyDevices
{
    public const string FilePath = "_notify/devices.json";

    /// <summary>More are not read, nor added.</summary>
    public const int CountMax = 1000;

    private const int BytesMax = 1024 * 1024;

    public static byte[] ToFile(IReadOnlyList<NotifyDevice> devices)
    {
        using var buffer = new MemoryStream();
        using (var writer = RegistryJson.Begin(buffer, "devices"))
        {
            foreach (var device in devices)
            {
                writer.WriteStartObject();
                writer.WriteString("name", device.Name);
                writer.WriteString("endpoint_id", device.EndpointId);
                writer.WriteString("paired_at", NotifyNames.Time(device.PairedAt));
                writer.WriteEndObject();
            }

            RegistryJson.End(writer);
        }

        return buffer.ToArray();
    }

    /// <summary>Entries without a name are left out; anything else than the registry reads as none.</summary>
    public static IReadOnlyList<NotifyDevice> Parse(ReadOnlySpan<byte> json)
    {
        var devices = new List<NotifyDevice>();
        if (json.Length > BytesMax || !NotifyPresence.TryOpen(json, out var document)) return devices;

        using (document)
        {
            foreach (var entry in RegistryJson.Entries(document!, "devices"))
            {
                if (devices.Count == CountMax) break;
                if (NotifyCodec.Text(entry, "name") is not { Length: > 0 and <= NotifyCodec.NameCharsMax } name)
                    continue;

                _ = NotifyNames.TryParseTime(NotifyCodec.Text(entry, "paired_at"), out var at);
                devices.Add(new NotifyDevice(name, NotifyCodec.Text(entry, "endpoint_id") ?? "", at));
            }
        }

        return devices;
    }

    /// <summary>With a device in place of the one with its name.</summary>
    public static IReadOnlyList<NotifyDevice> With(IReadOnlyList<NotifyDevice> devices, NotifyDevice device)
    {
        List<NotifyDevice> kept = [.. devices.Where(d => d.Name != device.Name), device];
        return kept.Count <= CountMax ? kept : throw new EdgeSyncException(
            ErrorKind.Conflict, $"{CountMax} devices are paired", "edgesync notify unpair NAME");
    }

    /// <exception cref="EdgeSyncException">No device has the name.</exception>
    public static IReadOnlyList<NotifyDevice> Without(IReadOnlyList<NotifyDevice> devices, string name)
    {
        List<NotifyDevice> kept = [.. devices.Where(d => d.Name != name)];
        return kept.Count < devices.Count ? kept : throw new EdgeSyncException(
            ErrorKind.NotFound, $"no device '{name}' is paired", "edgesync notify devices")
        {
            Candidates = [.. devices.Select(d => d.Name)],
        };
    }
}

/// <summary>
/// The tokens that wait for a device: <c>_notify/pending_tokens.json</c>,
/// <c>{"tokens":[{"token_hash","created_at","expires_at","device_name"}]}</c>. Expired ones leave the file with the
/// next change.
/// </summary>
public static class PendingTokens
{
    public const string FilePath = "_notify/pending_tokens.json";

    /// <summary>More are not handed out at one time.</summary>
    public const int CountMax = 100;

    private const int BytesMax = 256 * 1024;

    public static byte[] ToFile(IReadOnlyList<PendingToken> tokens)
    {
        using var buffer = new MemoryStream();
        using (var writer = RegistryJson.Begin(buffer, "tokens"))
        {
            foreach (var token in tokens)
            {
                writer.WriteStartObject();
                writer.WriteString("token_hash", token.TokenHash);
                writer.WriteString("created_at", NotifyNames.Time(token.CreatedAt));
                writer.WriteString("expires_at", NotifyNames.Time(token.ExpiresAt));
                writer.WriteString("device_name", token.DeviceName);
                writer.WriteEndObject();
            }

            RegistryJson.End(writer);
        }

        return buffer.ToArray();
    }

    public static IReadOnlyList<PendingToken> Parse(ReadOnlySpan<byte> json)
    {
        var tokens = new List<PendingToken>();
        if (json.Length > BytesMax || !NotifyPresence.TryOpen(json, out var document)) return tokens;

        using (document)
        {
            foreach (var entry in RegistryJson.Entries(document!, "tokens"))
            {
                if (tokens.Count == CountMax) break;
                if (NotifyCodec.Text(entry, "token_hash") is not { Length: 64 } hash) continue;
                if (!NotifyNames.TryParseTime(NotifyCodec.Text(entry, "expires_at"), out var expires)) continue;

                _ = NotifyNames.TryParseTime(NotifyCodec.Text(entry, "created_at"), out var created);
                tokens.Add(new PendingToken(hash, created, expires, NotifyCodec.Text(entry, "device_name") ?? ""));
            }
        }

        return tokens;
    }

    /// <summary>Those that are still accepted.</summary>
    public static IReadOnlyList<PendingToken> Live(IReadOnlyList<PendingToken> tokens, Instant now) =>
        [.. tokens.Where(token => now < token.ExpiresAt)];

    /// <summary>With one more, and without those that have expired.</summary>
    /// <exception cref="EdgeSyncException">Too many wait.</exception>
    public static IReadOnlyList<PendingToken> With(IReadOnlyList<PendingToken> tokens, PendingToken token)
    {
        List<PendingToken> kept = [.. Live(tokens, token.CreatedAt), token];
        return kept.Count <= CountMax ? kept : throw new EdgeSyncException(
            ErrorKind.Unavailable, $"{CountMax} pairings wait for their devices", "try again in ten minutes");
    }

    /// <summary>Takes a token out of the list: it is accepted once. The rest has no expired ones.</summary>
    /// <exception cref="EdgeSyncException">It is unknown, used or expired.</exception>
    public static PendingToken Take(
        IReadOnlyList<PendingToken> tokens, string text, Instant now, out IReadOnlyList<PendingToken> rest)
    {
        var hashes = PairingToken.Readings(text).Select(PairingToken.HashOf).ToHashSet(StringComparer.Ordinal);
        if (hashes.Count == 0)
            throw new EdgeSyncException(
                ErrorKind.Usage, "that is not a pairing token: twelve letters and digits as in AXKF-9M2P-VR3T",
                "edgesync notify pair --name DEVICE");

        var found = tokens.FirstOrDefault(token => hashes.Contains(token.TokenHash));
        rest = [.. Live(tokens, now).Where(token => token.TokenHash != found?.TokenHash)];
        return found is null
            ? throw new EdgeSyncException(
                ErrorKind.Denied, "the token is unknown or was used", "edgesync notify pair --name DEVICE")
            : now < found.ExpiresAt ? found : throw new EdgeSyncException(
                ErrorKind.Denied, $"the token expired at {NotifyNames.Second(found.ExpiresAt)}",
                "edgesync notify pair --name DEVICE");
    }
}

/// <summary>An object with one list of objects, indented as the original writes it.</summary>
internal static class RegistryJson
{
    public static Utf8JsonWriter Begin(Stream target, string list)
    {
        var writer = new Utf8JsonWriter(target, new JsonWriterOptions { Indented = true, NewLine = "\n" });
        writer.WriteStartObject();
        writer.WriteStartArray(list);
        return writer;
    }

    public static void End(Utf8JsonWriter writer)
    {
        writer.WriteEndArray();
        writer.WriteEndObject();
    }

    public static IEnumerable<JsonElement> Entries(JsonDocument document, string list) =>
        document.RootElement.TryGetProperty(list, out var entries) && entries.ValueKind == JsonValueKind.Array
            ? entries.EnumerateArray().Where(entry => entry.ValueKind == JsonValueKind.Object)
            : [];
}

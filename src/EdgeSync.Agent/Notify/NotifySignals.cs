using System.Text.Json;
using EdgeSync.Primitives;

namespace EdgeSync.Agent.Notify;

/// <summary>How far a message has come at a device.</summary>
public enum NotifyAckKind
{
    /// <summary>It is in the device's repository.</summary>
    Delivered,

    /// <summary>A person or a program has taken it.</summary>
    Read,
}

/// <summary>
/// "I have this message": <c>{"msg_id":"msg-…","received_by":"ship7","received_at":"2026-04-10T12:01:02Z"}</c> on
/// <c>notify.PROJECT.ack</c>. Ours adds <c>"state":"read"</c>. Never committed. Spec: iroh-can-news.md §4, A1.
/// </summary>
public sealed record NotifyAck(string MessageId, string ReceivedBy, Instant ReceivedAt, NotifyAckKind Kind)
{
    /// <summary>Longer payloads are not read.</summary>
    public const int BytesMax = 2048;

    public byte[] ToBytes()
    {
        using var buffer = new MemoryStream();
        using (var writer = new Utf8JsonWriter(buffer))
        {
            writer.WriteStartObject();
            writer.WriteString("msg_id", MessageId);
            writer.WriteString("received_by", ReceivedBy);
            writer.WriteString("received_at", NotifyNames.Time(ReceivedAt));
            if (Kind == NotifyAckKind.Read) writer.WriteString("state", "read");
            writer.WriteEndObject();
        }

        return buffer.ToArray();
    }

    public static bool TryParse(ReadOnlySpan<byte> json, out NotifyAck ack)
    {
        ack = new NotifyAck("", "", default, default);
        if (json.Length > BytesMax || !NotifyPresence.TryOpen(json, out var document)) return false;

        using (document)
        {
            var root = document!.RootElement;
            if (NotifyCodec.Text(root, "msg_id") is not { } id || !NotifyNames.IsMessageId(id)) return false;
            if (NotifyCodec.Text(root, "received_by") is not { Length: > 0 and <= NotifyCodec.NameCharsMax } by)
                return false;
            if (!NotifyNames.TryParseTime(NotifyCodec.Text(root, "received_at"), out var at)) return false;

            ack = new NotifyAck(
                id, by, at,
                NotifyCodec.Text(root, "state") == "read" ? NotifyAckKind.Read : NotifyAckKind.Delivered);
            return true;
        }
    }
}

/// <summary>
/// "This device is present": <c>{"device":"ship7","state":"online","at":"2026-04-10T12:01:02Z"}</c> on
/// <c>notify.PROJECT.presence</c>; the state is online, typing or offline. Never committed. The original names the
/// subject and leaves its payload open. Spec: iroh-can-news.md §4, A2.
/// </summary>
public sealed record NotifyPresence(string Device, string State, Instant At)
{
    /// <summary>Longer payloads are not read.</summary>
    public const int BytesMax = 2048;

    private const int DepthMax = 8;

    public byte[] ToBytes()
    {
        using var buffer = new MemoryStream();
        using (var writer = new Utf8JsonWriter(buffer))
        {
            writer.WriteStartObject();
            writer.WriteString("device", Device);
            writer.WriteString("state", State);
            writer.WriteString("at", NotifyNames.Time(At));
            writer.WriteEndObject();
        }

        return buffer.ToArray();
    }

    public static bool TryParse(ReadOnlySpan<byte> json, out NotifyPresence presence)
    {
        presence = new NotifyPresence("", "", default);
        if (json.Length > BytesMax || !TryOpen(json, out var document)) return false;

        using (document)
        {
            var root = document!.RootElement;
            if (NotifyCodec.Text(root, "device") is not { Length: > 0 and <= NotifyCodec.NameCharsMax } device)
                return false;
            if (NotifyCodec.Text(root, "state") is not { } state || state is not ("online" or "typing" or "offline"))
                return false;
            if (!NotifyNames.TryParseTime(NotifyCodec.Text(root, "at"), out var at)) return false;

            presence = new NotifyPresence(device, state, at);
            return true;
        }
    }

    internal static bool TryOpen(ReadOnlySpan<byte> json, out JsonDocument? document)
    {
        document = null;
        try
        {
            var reader = new Utf8JsonReader(json, new JsonReaderOptions { MaxDepth = DepthMax });
            var parsed = JsonDocument.ParseValue(ref reader);
            if (!reader.Read() && parsed.RootElement.ValueKind == JsonValueKind.Object)
            {
                document = parsed;
                return true;
            }

            parsed.Dispose();
            return false;
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or ArgumentException)
        {
            return false;
        }
    }
}

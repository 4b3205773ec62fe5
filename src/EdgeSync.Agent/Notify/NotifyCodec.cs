using System.Diagnostics.CodeAnalysis;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace EdgeSync.Agent.Notify;

/// <summary>
/// Messages as JSON, in the original's members and order. A member of the wrong type reads as absent; without id,
/// thread, project or timestamp the message is rejected. Control characters stay in: printing makes them visible.
/// </summary>
public static class NotifyCodec
{
    /// <summary>Larger files and payloads are not read, nor written.</summary>
    public const int BytesMax = 256 * 1024;

    /// <summary>Longer bodies are not sent.</summary>
    public const int BodyCharsMax = 32 * 1024;

    public const int ActionsMax = 16;
    public const int MediaMax = 16;
    public const int NameCharsMax = 200;

    private const int DepthMax = 16;

    private static readonly JsonWriterOptions Indented = new()
    {
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        Indented = true,
        NewLine = "\n",
    };

    private static readonly JsonWriterOptions Compact = new()
    {
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    /// <summary>The content of its file: indented by two blanks.</summary>
    public static byte[] ToFile(NotifyMessage message) => Write(message, Indented);

    /// <summary>The payload of NATS, and the line for programs.</summary>
    public static byte[] ToLine(NotifyMessage message) => Write(message, Compact);

    /// <summary>False: not one message.</summary>
    public static bool TryParse(ReadOnlySpan<byte> json, [NotNullWhen(true)] out NotifyMessage? message)
    {
        message = null;
        if (json.Length > BytesMax) return false;

        try
        {
            var reader = new Utf8JsonReader(json, new JsonReaderOptions { MaxDepth = DepthMax });
            using var document = JsonDocument.ParseValue(ref reader);
            return !reader.Read() && TryRead(document.RootElement, out message);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or ArgumentException)
        {
            return false;
        }
    }

    /// <summary>Reads the file of a message; false: it is none, or its path is not the one of its thread.</summary>
    public static bool TryParseFile(
        string path, ReadOnlySpan<byte> content, [NotNullWhen(true)] out NotifyMessage? message) =>
        TryParse(content, out message) && path.Split('/') is [var project, _, var thread, _]
        && project == message.Project && thread == message.ThreadShort;

    /// <summary>Text of a member; null when it is absent, of another type or not Unicode.</summary>
    internal static string? Text(JsonElement parent, string name)
    {
        if (!parent.TryGetProperty(name, out var value) || value.ValueKind != JsonValueKind.String) return null;

        try
        {
            return value.GetString();
        }
        catch (InvalidOperationException)
        {
            return null;   // half a surrogate pair, or bytes that are not UTF-8
        }
    }

    private static bool TryRead(JsonElement root, [NotNullWhen(true)] out NotifyMessage? message)
    {
        message = null;
        if (root.ValueKind != JsonValueKind.Object) return false;
        if (!root.TryGetProperty("v", out var v) || v.ValueKind != JsonValueKind.Number
            || !v.TryGetInt32(out var version) || version < NotifyMessage.Version) return false;
        if (Text(root, "id") is not { } id || !NotifyNames.IsMessageId(id)) return false;
        if (Text(root, "thread") is not { } thread || !NotifyNames.IsThreadId(thread)) return false;
        if (Text(root, "project") is not { } project || !NotifyNames.IsProject(project)) return false;
        if (!NotifyNames.TryParseTime(Text(root, "timestamp"), out var time)) return false;

        var priority = Text(root, "priority");
        message = new NotifyMessage
        {
            Id = id,
            Thread = thread,
            Project = project,
            From = Shorten(Text(root, "from")),
            FromName = Shorten(Text(root, "from_name")),
            Timestamp = time,
            Body = Text(root, "body") ?? "",
            Priority = NotifyNames.PriorityOf(priority),
            HasPriority = !string.IsNullOrEmpty(priority),
            Actions = ActionsOf(root),
            ReplyTo = Text(root, "reply_to") is { } replied && NotifyNames.IsMessageId(replied) ? replied : null,
            Media = MediaOf(root),
            IsActionResponse = root.TryGetProperty("action_response", out var response)
                && response.ValueKind == JsonValueKind.True,
        };
        return true;
    }

    private static List<NotifyAction> ActionsOf(JsonElement root)
    {
        var actions = new List<NotifyAction>();
        if (!root.TryGetProperty("actions", out var list) || list.ValueKind != JsonValueKind.Array) return actions;

        foreach (var element in list.EnumerateArray())
        {
            if (actions.Count == ActionsMax) break;
            if (element.ValueKind != JsonValueKind.Object) continue;
            if (Text(element, "id") is { Length: > 0 and <= NameCharsMax } id)
                actions.Add(new NotifyAction(id, Shorten(Text(element, "label"))));
        }

        return actions;
    }

    private static List<string> MediaOf(JsonElement root)
    {
        var media = new List<string>();
        if (!root.TryGetProperty("media", out var list) || list.ValueKind != JsonValueKind.Array) return media;

        for (var i = 0; i < list.GetArrayLength() && media.Count < MediaMax; i++)
        {
            if (list[i].ValueKind != JsonValueKind.String) continue;
            try
            {
                if (list[i].GetString() is { } name && NotifyNames.IsMedia(name)) media.Add(name);
            }
            catch (InvalidOperationException)
            {
                // Not Unicode: it names no file.
            }
        }

        return media;
    }

    private static byte[] Write(NotifyMessage message, JsonWriterOptions options)
    {
        using var buffer = new MemoryStream();
        using (var writer = new Utf8JsonWriter(buffer, options)) Write(writer, message);
        return buffer.ToArray();
    }

    private static void Write(Utf8JsonWriter writer, NotifyMessage message)
    {
        writer.WriteStartObject();
        writer.WriteNumber("v", NotifyMessage.Version);
        writer.WriteString("id", message.Id);
        writer.WriteString("thread", message.Thread);
        writer.WriteString("project", message.Project);
        writer.WriteString("from", message.From);
        writer.WriteString("from_name", message.FromName);
        writer.WriteString("timestamp", NotifyNames.Time(message.Timestamp));
        writer.WriteString("body", message.Body);
        if (message.HasPriority) writer.WriteString("priority", NotifyNames.WordOf(message.Priority));
        if (message.Actions.Count > 0)
        {
            writer.WriteStartArray("actions");
            foreach (var action in message.Actions)
            {
                writer.WriteStartObject();
                writer.WriteString("id", action.Id);
                writer.WriteString("label", action.Label);
                writer.WriteEndObject();
            }

            writer.WriteEndArray();
        }

        if (message.ReplyTo is not null) writer.WriteString("reply_to", message.ReplyTo);
        if (message.Media.Count > 0)
        {
            writer.WriteStartArray("media");
            foreach (var name in message.Media) writer.WriteStringValue(name);
            writer.WriteEndArray();
        }

        if (message.IsActionResponse) writer.WriteBoolean("action_response", true);
        writer.WriteEndObject();
    }

    private static string Shorten(string? text) =>
        text is null ? "" : text.Length > NameCharsMax ? text[..NameCharsMax] : text;
}

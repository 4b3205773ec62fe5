using System.Buffers;
using System.Globalization;
using System.Text.Json;

namespace EdgeSync.Agent;

/// <summary>
/// The few requests of the JetStream API that durable announcements need, and their answers. Spec: the public JSON API of
/// nats-server (<c>$JS.API.&gt;</c>, across a leaf link <c>$JS.DOMAIN.API.&gt;</c>).
/// </summary>
internal sealed class JetStreamApi(ProjectSubjects subjects, string? domain)
{
    /// <summary>What is asked for at once while replaying.</summary>
    public const int Batch = 128;

    private const int MessagesMax = 10_000;
    private const long BytesMax = 8L << 20;

    private static readonly TimeSpan AgeMax = TimeSpan.FromDays(7);
    private static readonly TimeSpan ConsumerIdleMax = TimeSpan.FromSeconds(30);

    private readonly string _api = domain is null ? "$JS.API" : $"$JS.{domain}.API";

    /// <summary>One stream a project. Its name has no dots: the prefix's become underscores.</summary>
    public string Stream { get; } = $"EDGESYNC_{subjects.Prefix.Replace('.', '_')}_{subjects.ProjectCode}";

    public string InfoSubject => $"{_api}.STREAM.INFO.{Stream}";

    public string CreateSubject => $"{_api}.STREAM.CREATE.{Stream}";

    public string ConsumerSubject => $"{_api}.CONSUMER.CREATE.{Stream}";

    public string NextSubject(string consumer) => $"{_api}.CONSUMER.MSG.NEXT.{Stream}.{consumer}";

    public byte[] CreateBody() => Write(writer =>
    {
        writer.WriteString("name"u8, Stream);
        writer.WriteStartArray("subjects"u8);
        writer.WriteStringValue(subjects.Commit);
        writer.WriteEndArray();
        writer.WriteString("retention"u8, "limits"u8);
        writer.WriteString("storage"u8, "file"u8);
        writer.WriteString("discard"u8, "old"u8);
        writer.WriteNumber("max_consumers"u8, -1);
        writer.WriteNumber("max_msgs"u8, MessagesMax);
        writer.WriteNumber("max_bytes"u8, BytesMax);
        writer.WriteNumber("max_age"u8, Nanoseconds(AgeMax));
        writer.WriteNumber("max_msg_size"u8, Announcement.BytesMax);
        writer.WriteNumber("num_replicas"u8, 1);
    });

    /// <summary>A reader of its own that vanishes by itself.</summary>
    public byte[] ConsumerBody(ulong firstSequence) => Write(writer =>
    {
        writer.WriteString("stream_name"u8, Stream);
        writer.WriteStartObject("config"u8);
        writer.WriteString("deliver_policy"u8, "by_start_sequence"u8);
        writer.WriteNumber("opt_start_seq"u8, firstSequence);
        writer.WriteString("ack_policy"u8, "none"u8);
        writer.WriteString("replay_policy"u8, "instant"u8);
        writer.WriteNumber("inactive_threshold"u8, Nanoseconds(ConsumerIdleMax));
        writer.WriteBoolean("mem_storage"u8, true);
        writer.WriteEndObject();
    });

    public static byte[] NextBody() => Write(writer =>
    {
        writer.WriteNumber("batch"u8, Batch);
        writer.WriteBoolean("no_wait"u8, true);
    });

    /// <summary>
    /// The stream's sequence in the reply subject of a delivery:
    /// <c>$JS.ACK.STREAM.CONSUMER.DELIVERED.SEQUENCE.…</c>, newer servers with domain and account hash before the stream.
    /// </summary>
    public static bool TryGetSequence(string? replySubject, out ulong sequence)
    {
        sequence = 0;
        if (replySubject is null || !replySubject.StartsWith("$JS.ACK.", StringComparison.Ordinal)) return false;

        var tokens = replySubject.Split('.');
        var at = tokens.Length switch
        {
            9 => 5,
            >= 11 => 7,
            _ => -1,
        };
        return at > 0 && ulong.TryParse(tokens[at], NumberStyles.None, CultureInfo.InvariantCulture, out sequence);
    }

    private static long Nanoseconds(TimeSpan span) => span.Ticks * 100;

    private static byte[] Write(Action<Utf8JsonWriter> fields)
    {
        var output = new ArrayBufferWriter<byte>(256);
        using var writer = new Utf8JsonWriter(output);
        writer.WriteStartObject();
        fields(writer);
        writer.WriteEndObject();
        writer.Flush();
        return output.WrittenSpan.ToArray();
    }
}

/// <summary>What an answer of the API said; fields that are absent are zero or null.</summary>
internal readonly record struct JetStreamAnswer(bool IsJson, int ErrorCode, ulong FirstSequence, ulong LastSequence, string? Name)
{
    public bool IsOk => IsJson && ErrorCode == 0;

    public bool IsNotFound => ErrorCode == 404;

    public static JetStreamAnswer Parse(ReadOnlySpan<byte> payload)
    {
        var answer = default(JetStreamAnswer);
        try
        {
            var reader = new Utf8JsonReader(payload);
            var section = "";
            while (reader.Read())
            {
                if (reader.TokenType == JsonTokenType.EndObject && reader.CurrentDepth == 1) section = "";
                if (reader.TokenType != JsonTokenType.PropertyName || reader.CurrentDepth > 2) continue;

                var depth = reader.CurrentDepth;
                var name = reader.GetString() ?? "";
                if (!reader.Read()) break;
                if (depth == 1 && reader.TokenType == JsonTokenType.StartObject) section = name;
                answer = (section, name) switch
                {
                    ("error", "code") when reader.TryGetInt32(out var code) => answer with { ErrorCode = code },
                    ("state", "first_seq") when reader.TryGetUInt64(out var first) => answer with { FirstSequence = first },
                    ("state", "last_seq") when reader.TryGetUInt64(out var last) => answer with { LastSequence = last },
                    ("", "name") when reader.TokenType == JsonTokenType.String => answer with { Name = reader.GetString() },
                    _ => answer,
                };
            }

            return answer with { IsJson = true };
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            return default;
        }
    }
}

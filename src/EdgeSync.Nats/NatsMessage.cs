using System.Text;
using EdgeSync.Nats.Wire;

namespace EdgeSync.Nats;

/// <summary>A message that arrived. The data is a copy of its own and may be kept.</summary>
/// <param name="Subject">The subject that it was published to.</param>
/// <param name="ReplyTo">The subject for a reply; null when none is expected.</param>
/// <param name="Headers">Null without a header block, or with a malformed one.</param>
/// <param name="Data">The body, without headers.</param>
public readonly record struct NatsMessage(
    string Subject, string? ReplyTo, NatsHeaders? Headers, ReadOnlyMemory<byte> Data)
{
    /// <summary>Bytes that count against the bounds of a queue.</summary>
    public int Size => Subject.Length + (ReplyTo?.Length ?? 0) + Data.Length;

    /// <summary>
    /// The address of the connection that sent it to the broker in this process, of IPv6 the network of 64 bits; null
    /// when an outside server delivered it.
    /// </summary>
    public string? Origin { get; init; }

    /// <summary>
    /// The name of the leaf link that delivered it to the broker in this process; null for a message of a client, and
    /// when an outside server delivered it.
    /// </summary>
    public string? Through { get; init; }

    /// <summary>A server's reply to a request on a subject without subscribers.</summary>
    public bool HasNoResponders => Data.IsEmpty && Headers is { Code: 503 };

    /// <summary>Copied out of the buffer that it was read from.</summary>
    /// <param name="payload">Header block and body.</param>
    internal static NatsMessage Copy(
        ReadOnlySpan<byte> subject, ReadOnlySpan<byte> reply, int headerBytes, ReadOnlySpan<byte> payload)
    {
        // Spec: servers forward header blocks that they do not understand.
        NatsHeaders? headers = null;
        if (headerBytes > 0 && !NatsHeaders.TryParse(payload[..headerBytes], out headers)) headers = null;
        return new NatsMessage(
            Encoding.UTF8.GetString(subject), reply.IsEmpty ? null : Encoding.UTF8.GetString(reply), headers,
            headerBytes == payload.Length ? default : payload[headerBytes..].ToArray());
    }
}

using System.Buffers.Binary;

namespace EdgeSync.Net.Discovery;

/// <summary>DNS messages over TCP: each behind its length as u16 (RFC 1035 §4.2.2).</summary>
internal static class DnsStream
{
    /// <exception cref="IOException">The stream ends before the message does.</exception>
    public static async ValueTask<ReadOnlyMemory<byte>> ReadAsync(Stream stream, CancellationToken cancellationToken)
    {
        var head = new byte[sizeof(ushort)];
        await stream.ReadExactlyAsync(head, cancellationToken);
        var message = new byte[BinaryPrimitives.ReadUInt16BigEndian(head)];
        await stream.ReadExactlyAsync(message, cancellationToken);
        return message;
    }

    public static ValueTask WriteAsync(
        Stream stream, ReadOnlyMemory<byte> message, CancellationToken cancellationToken)
    {
        var framed = new byte[sizeof(ushort) + message.Length];
        BinaryPrimitives.WriteUInt16BigEndian(framed, (ushort)message.Length);
        message.CopyTo(framed.AsMemory(sizeof(ushort)));
        return stream.WriteAsync(framed, cancellationToken);
    }
}

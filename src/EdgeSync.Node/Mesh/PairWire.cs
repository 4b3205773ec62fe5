using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using EdgeSync.Net.Quic;

namespace EdgeSync.Node.Mesh;

/// <summary>A message of the protocols of strangers: all of one side of a stream, as JSON.</summary>
internal static class PairWire
{
    /// <summary>Null when it is larger than a message may be.</summary>
    /// <exception cref="JsonException">It is malformed.</exception>
    public static async Task<T?> ReadAsync<T>(
        HostStream stream, JsonTypeInfo<T> type, CancellationToken cancellationToken)
        where T : class
    {
        return await ReadAsync(stream, cancellationToken) is { } bytes
            ? JsonSerializer.Deserialize(bytes.Span, type)
            : null;
    }

    /// <summary>The bytes; null when they are more than a message may have.</summary>
    public static async Task<ReadOnlyMemory<byte>?> ReadAsync(HostStream stream, CancellationToken cancellationToken)
    {
        var buffer = new byte[PairRequest.BytesMax];
        var length = 0;
        while (await stream.ReadAsync(buffer.AsMemory(length), cancellationToken) is > 0 and var size)
        {
            length += size;
            if (length == buffer.Length) return null;
        }

        return buffer.AsMemory(0, length);
    }

    public static async Task WriteLastAsync<T>(
        HostStream stream, T message, JsonTypeInfo<T> type, CancellationToken cancellationToken) =>
        await stream.WriteLastAsync(JsonSerializer.SerializeToUtf8Bytes(message, type), cancellationToken);
}

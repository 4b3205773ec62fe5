using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace EdgeSync.Node.Control;

/// <summary>One JSON object per line.</summary>
internal static class ControlLine
{
    /// <summary>Null when the stream ends before the line does, or the line exceeds the limit.</summary>
    public static async Task<byte[]?> ReadAsync(Stream stream, int bytesMax, CancellationToken cancellationToken)
    {
        var buffer = new byte[4096];
        var length = 0;
        while (true)
        {
            var read = await stream.ReadAsync(buffer.AsMemory(length), cancellationToken);
            if (read == 0) return null;

            var end = buffer.AsSpan(length, read).IndexOf((byte)'\n');
            if (end >= 0) return buffer[..(length + end)];

            length += read;
            if (length >= bytesMax) return null;
            if (length == buffer.Length) Array.Resize(ref buffer, buffer.Length * 2);
        }
    }

    public static async Task WriteAsync<T>(Stream stream, T value, CancellationToken cancellationToken) =>
        await stream.WriteAsync(BytesOf(value), cancellationToken);

    public static byte[] BytesOf<T>(T value) =>
        [.. JsonSerializer.SerializeToUtf8Bytes(value, TypeOf<T>()), (byte)'\n'];

    /// <exception cref="JsonException">The line is not a JSON object of this shape.</exception>
    public static T Parse<T>(byte[] line)
        where T : class =>
            JsonSerializer.Deserialize(line, TypeOf<T>()) ?? throw new JsonException("an object is expected");

    private static JsonTypeInfo<T> TypeOf<T>() =>
        (JsonTypeInfo<T>)ControlContext.Default.Options.GetTypeInfo(typeof(T));
}

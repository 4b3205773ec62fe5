using System.Buffers;
using EdgeSync.Can.Assets;

namespace EdgeSync.Can.Wire;

/// <summary>
/// One asset with its content, as <c>AssetBundle</c> has it: the fields around the content, so that the content itself
/// is streamed. Field numbers: docs/formats/can.md.
/// </summary>
public sealed record AssetBundle
{
    internal const int ContentField = 12;

    public AssetHash Hash { get; init; }

    public long TimestampMs { get; init; }

    public AssetDetails Details { get; init; } = new();

    public bool IsTrashed { get; init; }

    public long Size { get; init; }

    public long MetaUpdatedAtMs { get; init; }

    public static AssetBundle Of(Asset asset)
    {
        ArgumentNullException.ThrowIfNull(asset);
        return new AssetBundle
        {
            Hash = asset.Hash,
            TimestampMs = asset.TimestampMs,
            Details = asset.Details,
            IsTrashed = asset.IsTrashed,
            Size = asset.Size,
            MetaUpdatedAtMs = asset.MetaUpdatedAtMs,
        };
    }

    /// <summary>
    /// What precedes the content and what follows it, when the bundle is field 1 of a message: a <c>PullResponse</c>
    /// or a <c>PushRequest</c>.
    /// </summary>
    public (byte[] Head, byte[] Tail) Frame()
    {
        var (inner, tail) = Fields();
        var head = new ArrayBufferWriter<byte>(inner.Length + 16);
        new ProtobufWriter(head).Length(1, inner.Length + Size + tail.Length);
        head.Write(inner);
        return (head.WrittenSpan.ToArray(), tail);
    }

    /// <summary>The same for a bundle that is a message of its own.</summary>
    public (byte[] Head, byte[] Tail) Fields()
    {
        var head = new ArrayBufferWriter<byte>(512);
        var writer = new ProtobufWriter(head);
        writer.Text(1, Hash.ToString());
        writer.Number(2, TimestampMs);
        DetailsFields.Write(writer, Details);
        writer.Flag(10, IsTrashed);
        writer.Number(11, Size);
        if (Size > 0) writer.Length(ContentField, Size);

        var tail = new ArrayBufferWriter<byte>(16);
        new ProtobufWriter(tail).Number(13, MetaUpdatedAtMs);
        return (head.WrittenSpan.ToArray(), tail.WrittenSpan.ToArray());
    }
}

using System.Buffers;
using System.Buffers.Binary;
using System.Text;
using EdgeSync.Primitives;

namespace EdgeSync.Browser.Store;

/// <summary>The kinds of records of the index file; the numbers are its format.</summary>
internal enum RecordKind : byte
{
    Row = 1,
    Config = 2,
    Unclustered = 3,
    Clustered = 4,
    Unsent = 5,
    Sent = 6,
    Shun = 7,
    PeerMark = 8,
    CheckIn = 9,
    Tags = 10,
    Other = 11,
    Message = 12,
    MessageRead = 13,
    NoMessage = 14,
    MessageWait = 15,
    MessageWaitEnd = 16,
    MessagesThrough = 17,
}

/// <summary>
/// Writes records: numbers little-endian, texts as UTF-8 with their size in four bytes in front (-1: absent), names of
/// artifacts as their bytes with their count in front.
/// </summary>
internal sealed class RecordWriter
{
    private readonly ArrayBufferWriter<byte> _bytes = new();

    public bool IsEmpty => _bytes.WrittenCount == 0;

    public ReadOnlySpan<byte> Written => _bytes.WrittenSpan;

    public void Clear() => _bytes.ResetWrittenCount();

    public RecordWriter Begin(RecordKind kind) => Byte((byte)kind);

    public RecordWriter Byte(byte value)
    {
        _bytes.GetSpan(1)[0] = value;
        _bytes.Advance(1);
        return this;
    }

    public RecordWriter Int32(int value)
    {
        BinaryPrimitives.WriteInt32LittleEndian(_bytes.GetSpan(4), value);
        _bytes.Advance(4);
        return this;
    }

    public RecordWriter Int64(long value)
    {
        BinaryPrimitives.WriteInt64LittleEndian(_bytes.GetSpan(8), value);
        _bytes.Advance(8);
        return this;
    }

    public RecordWriter Id(ArtifactId id)
    {
        var target = _bytes.GetSpan(33);
        target[0] = (byte)id.WriteHash(target[1..]);
        _bytes.Advance(1 + target[0]);
        return this;
    }

    public RecordWriter Text(string? text)
    {
        if (text is null) return Int32(-1);

        var size = Encoding.UTF8.GetByteCount(text);
        Int32(size);
        Encoding.UTF8.GetBytes(text, _bytes.GetSpan(size));
        _bytes.Advance(size);
        return this;
    }
}

/// <summary>Reads what <see cref="RecordWriter"/> wrote; the frame around it has been verified.</summary>
internal ref struct RecordReader(ReadOnlySpan<byte> bytes)
{
    private ReadOnlySpan<byte> _rest = bytes;

    public readonly bool IsAtEnd => _rest.IsEmpty;

    public byte Byte() => Take(1)[0];

    public int Int32() => BinaryPrimitives.ReadInt32LittleEndian(Take(4));

    public long Int64() => BinaryPrimitives.ReadInt64LittleEndian(Take(8));

    public ArtifactId Id() => Byte() is > 0 and var size ? ArtifactId.FromHash(Take(size)) : default;

    public string? Text() => Int32() is >= 0 and var size ? Encoding.UTF8.GetString(Take(size)) : null;

    private ReadOnlySpan<byte> Take(int count)
    {
        var taken = _rest[..count];
        _rest = _rest[count..];
        return taken;
    }
}

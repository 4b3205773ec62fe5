using System.Buffers;
using System.Buffers.Binary;
using System.Text;
using EdgeSync.Can.Assets;

namespace EdgeSync.Can.Sync.Wire;

/// <summary>Writes what <see cref="WireReader"/> reads.</summary>
internal sealed class WireWriter
{
    private readonly ArrayBufferWriter<byte> _bytes = new();

    public int Count => _bytes.WrittenCount;

    public byte[] ToArray() => _bytes.WrittenSpan.ToArray();

    public void WriteByte(byte value) => _bytes.Write<byte>([value]);

    public void WriteUInt64(ulong value)
    {
        BinaryPrimitives.WriteUInt64BigEndian(_bytes.GetSpan(sizeof(ulong)), value);
        _bytes.Advance(sizeof(ulong));
    }

    public void WriteNumber(long value)
    {
        var rest = (ulong)value;
        for (; rest >= 0x80; rest >>= 7) WriteByte((byte)(rest | 0x80));
        WriteByte((byte)rest);
    }

    public void WriteBytes(ReadOnlySpan<byte> value) => _bytes.Write(value);

    public void WriteHash(AssetHash hash)
    {
        hash.CopyTo(_bytes.GetSpan(AssetHash.Size));
        _bytes.Advance(AssetHash.Size);
    }

    public void WriteText(string? value)
    {
        if (value is null)
        {
            WriteNumber(0);
            return;
        }

        WriteNumber(Encoding.UTF8.GetByteCount(value) + 1L);
        Encoding.UTF8.GetBytes(value, _bytes);
    }
}

using System.Buffers;
using System.Text;
using EdgeSync.Iroh.Endpoints;
using EdgeSync.Quic;

namespace EdgeSync.Iroh.Wire;

/// <summary>Writes the encoding of Rust's postcard; see <see cref="PostcardReader"/>.</summary>
internal sealed class PostcardWriter
{
    private readonly ArrayBufferWriter<byte> _bytes = new();

    public ReadOnlySpan<byte> Written => _bytes.WrittenSpan;

    public void WriteByte(byte value) => _bytes.Write<byte>([value]);

    public void WriteBool(bool value) => WriteByte(value ? (byte)1 : (byte)0);

    public void WriteVarInt(ulong value)
    {
        for (; value >= 0x80; value >>= 7) WriteByte((byte)(value | 0x80));
        WriteByte((byte)value);
    }

    public void WriteBytes(ReadOnlySpan<byte> value) => _bytes.Write(value);

    public void WriteCounted(ReadOnlySpan<byte> value)
    {
        WriteVarInt((ulong)value.Length);
        WriteBytes(value);
    }

    public void WriteText(string value) => WriteCounted(Encoding.UTF8.GetBytes(value));

    public void WriteId(EndpointId id) => WriteBytes(id.ToArray());

    public void WriteAddress(UdpAddress address)
    {
        WriteBool(EndpointAddress.IsV6(address));
        WriteBytes(address.ToAddress().GetAddressBytes());
        WriteVarInt(address.Port);
    }
}

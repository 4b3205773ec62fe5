using System.Buffers;
using System.Buffers.Binary;

namespace EdgeSync.Can.Sync.Wire;

/// <summary>
/// Takes a stream of frames apart. A frame is <c>type(1) length(4, big-endian) payload</c>; a length beyond the limit
/// ends the stream before a byte of it is kept.
/// </summary>
internal sealed class FrameBuffer(int payloadBytesMax)
{
    public const int HeadBytes = 5;

    private byte[] _bytes = [];
    private int _start;
    private int _end;

    /// <summary>Bytes that are kept until the rest of a frame comes.</summary>
    public int Pending => _end - _start;

    public void Append(ReadOnlySpan<byte> bytes)
    {
        if (_bytes.Length - _end < bytes.Length) MakeRoom(bytes.Length);
        bytes.CopyTo(_bytes.AsSpan(_end));
        _end += bytes.Length;
    }

    /// <summary>The next frame; its payload is valid until the next call of <see cref="Append"/>.</summary>
    public OperationStatus Read(out byte type, out ReadOnlyMemory<byte> payload)
    {
        (type, payload) = (0, default);
        if (Pending < HeadBytes) return OperationStatus.NeedMoreData;

        var head = _bytes.AsSpan(_start);
        var length = BinaryPrimitives.ReadUInt32BigEndian(head[1..]);
        if (length > payloadBytesMax) return OperationStatus.InvalidData;
        if (Pending - HeadBytes < length) return OperationStatus.NeedMoreData;

        type = head[0];
        payload = _bytes.AsMemory(_start + HeadBytes, (int)length);
        _start += HeadBytes + (int)length;
        return OperationStatus.Done;
    }

    /// <summary>One frame.</summary>
    public static byte[] Frame(byte type, ReadOnlySpan<byte> payload)
    {
        var frame = new byte[HeadBytes + payload.Length];
        frame[0] = type;
        BinaryPrimitives.WriteUInt32BigEndian(frame.AsSpan(1), (uint)payload.Length);
        payload.CopyTo(frame.AsSpan(HeadBytes));
        return frame;
    }

    // Grows with what has come, not with what was announced.
    private void MakeRoom(int count)
    {
        var pending = Pending;
        var target = pending + count <= _bytes.Length && _start > 0
            ? _bytes : new byte[Math.Max(pending + count, Math.Min(2 * _bytes.Length, payloadBytesMax + HeadBytes))];
        _bytes.AsSpan(_start, pending).CopyTo(target);
        (_bytes, _start, _end) = (target, 0, pending);
    }
}

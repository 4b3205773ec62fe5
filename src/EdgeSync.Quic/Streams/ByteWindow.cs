using System.Buffers;

namespace EdgeSync.Quic.Streams;

/// <summary>
/// Bytes of a stream between two offsets, in a ring from the shared pool that grows as it is used. The place of a byte
/// depends on its offset alone.
/// </summary>
internal sealed class ByteWindow : IDisposable
{
    private const int SizeMin = 2048;

    /// <summary>
    /// Up to here a ring begins as large as the one before it was used: bytes go on as they came, and a ring that
    /// grows is copied at each step.
    /// </summary>
    private const int AgainMax = 2 << 20;

    private byte[] _ring = [];
    private int _size;
    private int _sizeMin = SizeMin;
    private ulong _used;

    /// <summary>Bytes of memory that are held.</summary>
    public int Capacity => _size;

    /// <summary>
    /// Makes room for bytes from <paramref name="first"/> on; those up to <paramref name="last"/> are kept.
    /// </summary>
    public void Reserve(ulong first, ulong last, ulong end)
    {
        _used = Math.Max(_used, end - first);
        if (end - first <= (ulong)_size) return;

        var size = Math.Max(_sizeMin, PowerFrom(end - first));
        var ring = ArrayPool<byte>.Shared.Rent(size);
        for (var at = first; at < last;)
        {
            var piece = Piece(at, last);
            CopyIn(ring, size, at, piece);
            at += (ulong)piece.Length;
        }

        Return();
        (_ring, _size) = (ring, size);
    }

    public void Write(ulong offset, ReadOnlySpan<byte> bytes) => CopyIn(_ring, _size, offset, bytes);

    public void Read(ulong offset, Span<byte> target)
    {
        while (!target.IsEmpty)
        {
            var piece = Piece(offset, offset + (ulong)target.Length);
            piece.CopyTo(target);
            target = target[piece.Length..];
            offset += (ulong)piece.Length;
        }
    }

    public void Dispose()
    {
        // By halves, so that one short piece among long ones costs no copies.
        if (_used > 0) _sizeMin = Math.Clamp(Math.Max(PowerFrom(_used), _sizeMin / 2), SizeMin, AgainMax);
        Return();
        (_ring, _size, _used) = ([], 0, 0);
    }

    private static int PowerFrom(ulong bytes) => (int)System.Numerics.BitOperations.RoundUpToPowerOf2((uint)bytes);

    private Span<byte> Piece(ulong from, ulong to)
    {
        var at = (int)(from & (ulong)(_size - 1));
        return _ring.AsSpan(at, (int)Math.Min(to - from, (ulong)(_size - at)));
    }

    private static void CopyIn(byte[] ring, int size, ulong offset, ReadOnlySpan<byte> bytes)
    {
        var at = (int)(offset & (ulong)(size - 1));
        var first = Math.Min(bytes.Length, size - at);
        bytes[..first].CopyTo(ring.AsSpan(at));
        bytes[first..].CopyTo(ring);
    }

    private void Return()
    {
        if (_size > 0) ArrayPool<byte>.Shared.Return(_ring);
    }
}

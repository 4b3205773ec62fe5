using System.Buffers;

namespace EdgeSync.Net.Nats;

/// <summary>Bytes read and not yet taken, in one pooled array: an incomplete operation stays at its begin.</summary>
internal sealed class ReadBuffer(int size) : IDisposable
{
    private byte[] _bytes = ArrayPool<byte>.Shared.Rent(size);
    private int _count;

    public ReadOnlySpan<byte> Filled => _bytes.AsSpan(0, _count);

    /// <summary>Where the next bytes go; never empty.</summary>
    public Memory<byte> Free => _bytes.AsMemory(_count);

    public void Advance(int count) => _count += count;

    /// <param name="consumed">From the begin; the rest moves there.</param>
    /// <param name="needed">How much room the rest takes once it is complete, 0 when nobody knows.</param>
    public void Consume(int consumed, int needed)
    {
        var rest = _bytes.AsSpan(consumed, _count - consumed);
        var room = Math.Max(needed, rest.Length + 1);
        if (room <= _bytes.Length)
        {
            if (consumed > 0) rest.CopyTo(_bytes);
        }
        else
        {
            var larger = ArrayPool<byte>.Shared.Rent(Math.Max(room, _bytes.Length * 2));
            rest.CopyTo(larger);
            ArrayPool<byte>.Shared.Return(_bytes);
            _bytes = larger;
        }

        _count -= consumed;
        if (_count == 0 && _bytes.Length > 4 * size) Shrink();
    }

    public void Dispose()
    {
        ArrayPool<byte>.Shared.Return(_bytes);
        _bytes = [];
        _count = 0;
    }

    // One large message must not hold its memory for the life of a connection.
    private void Shrink()
    {
        ArrayPool<byte>.Shared.Return(_bytes);
        _bytes = ArrayPool<byte>.Shared.Rent(size);
    }
}

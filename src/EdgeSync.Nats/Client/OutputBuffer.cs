using System.Buffers;

namespace EdgeSync.Nats.Client;

/// <summary>Bytes on their way out, in one pooled array that grows, and is handed over whole.</summary>
internal sealed class OutputBuffer : IBufferWriter<byte>
{
    private const int FirstSize = 4096;

    private byte[] _bytes = [];

    public int Count { get; private set; }

    public ReadOnlySpan<byte> Written => _bytes.AsSpan(0, Count);

    public void Advance(int count) => Count += count;

    public Memory<byte> GetMemory(int sizeHint = 0)
    {
        Reserve(Math.Max(sizeHint, 1));
        return _bytes.AsMemory(Count);
    }

    public Span<byte> GetSpan(int sizeHint = 0)
    {
        Reserve(Math.Max(sizeHint, 1));
        return _bytes.AsSpan(Count);
    }

    /// <summary>Empties it. Whoever takes gives the array back to the shared pool.</summary>
    public ArraySegment<byte> Take()
    {
        var taken = new ArraySegment<byte>(_bytes, 0, Count);
        _bytes = [];
        Count = 0;
        return taken;
    }

    public void Clear()
    {
        if (_bytes.Length > 0) ArrayPool<byte>.Shared.Return(_bytes);
        _bytes = [];
        Count = 0;
    }

    private void Reserve(int size)
    {
        if (_bytes.Length - Count >= size) return;

        var larger = ArrayPool<byte>.Shared.Rent(Math.Max(FirstSize, Math.Max(Count + size, Count * 2)));
        Written.CopyTo(larger);
        if (_bytes.Length > 0) ArrayPool<byte>.Shared.Return(_bytes);
        _bytes = larger;
    }
}

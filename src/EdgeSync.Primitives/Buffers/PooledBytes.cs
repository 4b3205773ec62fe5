using System.Buffers;

namespace EdgeSync.Primitives;

/// <summary>
/// A buffer that grows as bytes arrive: its memory follows what was received, never the announced length. Arrays double
/// in size and come from the shared pool. The pool keeps dozens of arrays of each size per processor, so large arrays
/// (on a small machine also middling ones) are allocated and left to the collector. Those grow by half, so that many
/// connections do not take twice what they sent.
/// </summary>
public sealed class PooledBytes : IBufferWriter<byte>, IDisposable
{
    private static readonly int PooledMax = LargeBuffers.IsSmallMachine ? 64 * 1024 : 512 * 1024;

    private byte[] _buffer = [];
    private int _length;

    public ReadOnlyMemory<byte> Written => _buffer.AsMemory(0, _length);

    public int Length => _length;

    public void Clear() => _length = 0;

    public void Advance(int count)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan((uint)count, (uint)(_buffer.Length - _length));
        _length += count;
    }

    public Memory<byte> GetMemory(int sizeHint = 0)
    {
        Reserve(Math.Max(sizeHint, 1));
        return _buffer.AsMemory(_length);
    }

    public Span<byte> GetSpan(int sizeHint = 0) => GetMemory(sizeHint).Span;

    public void Dispose()
    {
        Return();
        _buffer = [];
        _length = 0;
    }

    private void Reserve(int size)
    {
        if (_buffer.Length - _length >= size) return;

        var wanted = Math.Max(
            (long)_length + size,
            Math.Min(
                Math.Max(4096L, _buffer.Length < PooledMax ? _buffer.Length * 2L : _buffer.Length * 3L / 2),
                Array.MaxLength));
        if (wanted > Array.MaxLength)
            throw new EdgeSyncException(
                ErrorKind.Protocol, $"a message of more than {Array.MaxLength} bytes cannot be held");

        var larger = wanted <= PooledMax
            ? ArrayPool<byte>.Shared.Rent((int)wanted)
            : LargeBuffers.Rent((int)wanted);
        _buffer.AsSpan(0, _length).CopyTo(larger);
        Return();
        _buffer = larger;
    }

    private void Return()
    {
        if (_buffer.Length > PooledMax) LargeBuffers.Return(_buffer);
        else if (_buffer.Length > 0) ArrayPool<byte>.Shared.Return(_buffer);
    }
}

using System.Buffers;

namespace EdgeSync.Primitives;

/// <summary>
/// Bytes that grow as they arrive: memory follows what was received, never what was announced. Doubling, from the
/// shared pool; but that pool keeps dozens of arrays of each size for each processor, so large ones are left to the
/// collector, and on a small machine middling ones too. Those grow by half: a crowd of them must not take twice what it
/// sent.
/// </summary>
public sealed class PooledBytes : IBufferWriter<byte>, IDisposable
{
    private const long SmallMachineBytes = 512L << 20;

    private static readonly int PooledMax = GC.GetGCMemoryInfo().TotalAvailableMemoryBytes < SmallMachineBytes
        ? 64 * 1024
        : 512 * 1024;

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
            : GC.AllocateUninitializedArray<byte>((int)wanted);
        _buffer.AsSpan(0, _length).CopyTo(larger);
        Return();
        _buffer = larger;
    }

    private void Return()
    {
        if (_buffer.Length > 0 && _buffer.Length <= PooledMax) ArrayPool<byte>.Shared.Return(_buffer);
    }
}

using System.Buffers;
using System.Runtime.InteropServices;
using EdgeSync.Primitives;

namespace EdgeSync.Storage.Pipeline;

/// <summary>
/// Memory outside of the collector's heap, for texts of megabytes: it returns to the system when released, not at the
/// next collection. A holder of its <see cref="TextArena"/> may read it; the last holder frees it.
/// </summary>
internal sealed unsafe class NativeBlock(int length) : MemoryManager<byte>
{
    private byte* _start = (byte*)NativeMemory.Alloc((nuint)length);

    public override Span<byte> GetSpan()
    {
        Invariant.Require(_start is not null);
        return new Span<byte>(_start, length);
    }

    /// <summary>
    /// No reader is left. There is no finalizer, which could free memory that a span still refers to: its holders are
    /// counted.
    /// </summary>
    public void Free() => Dispose(disposing: true);

    public override MemoryHandle Pin(int elementIndex = 0)
    {
        Invariant.Require(_start is not null && (uint)elementIndex <= (uint)length);
        return new MemoryHandle(_start + elementIndex);
    }

    public override void Unpin()
    {
    }

    protected override void Dispose(bool disposing)
    {
        NativeMemory.Free(_start);
        _start = null;
    }
}

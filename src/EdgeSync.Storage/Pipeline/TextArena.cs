using EdgeSync.Primitives;

namespace EdgeSync.Storage.Pipeline;

/// <summary>
/// A large array of expanded texts, end to end. Holders are counted: the batch that is being checked or waits, and the
/// walker for each text that deltas are still to be applied to. The last one returns it.
/// </summary>
internal sealed class TextArena
{
    private readonly TextArenaPool _pool;
    private readonly Memory<byte> _memory;
    private readonly byte[]? _bytes;
    private readonly NativeBlock? _block;
    private int _used;
    private int _holders = 1;

    /// <summary>One that is reused.</summary>
    public TextArena(TextArenaPool pool, byte[] bytes)
    {
        (_pool, _bytes, _memory) = (pool, bytes, bytes);
    }

    /// <summary>One for a single large text, freed after it.</summary>
    public TextArena(TextArenaPool pool, NativeBlock block)
    {
        (_pool, _block, _memory) = (pool, block, block.Memory);
    }

    public int Length => _memory.Length;

    public bool IsPooled => _bytes is not null;

    /// <summary>Whose share of the budget it counts against.</summary>
    public WalkRun? Run { get; set; }

    public int Free => Length - _used;

    /// <summary>Room for a text; only the walker that fills the arena takes any.</summary>
    public TextSlice Take(int length)
    {
        Invariant.Require(length <= Free);
        var slice = new TextSlice(this, _used, length);
        _used += length;
        return slice;
    }

    /// <summary>Returns the end of the memory taken last.</summary>
    public TextSlice Shorten(TextSlice slice, int length)
    {
        Invariant.Require(slice.Offset + slice.Length == _used && length <= slice.Length);
        _used = slice.Offset + length;
        return new TextSlice(this, slice.Offset, length);
    }

    public void Hold() => Interlocked.Increment(ref _holders);

    public void Release()
    {
        var holders = Interlocked.Decrement(ref _holders);
        Invariant.Require(holders >= 0);
        if (holders == 0) _pool.Return(this);
    }

    public Span<byte> SpanAt(int offset, int length) =>
        _bytes is null ? _block!.GetSpan().Slice(offset, length) : _bytes.AsSpan(offset, length);

    public ReadOnlyMemory<byte> MemoryAt(int offset, int length) => _memory.Slice(offset, length);

    /// <summary>No reader is left.</summary>
    internal void FreeBlock() => _block?.Free();

    internal void Reuse(WalkRun run)
    {
        Run = run;
        _used = 0;
        _holders = 1;
    }
}

/// <summary>A text in an arena.</summary>
internal readonly record struct TextSlice(TextArena? Arena, int Offset, int Length)
{
    public Span<byte> Span => Arena is null ? [] : Arena.SpanAt(Offset, Length);

    public ReadOnlyMemory<byte> Memory => Arena is null ? default : Arena.MemoryAt(Offset, Length);
}

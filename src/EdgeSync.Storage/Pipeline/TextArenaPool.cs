namespace EdgeSync.Storage.Pipeline;

/// <summary>
/// The arenas of one walk, all of one size, and the total of their bytes. A text larger than an arena gets one of its
/// own, which is not kept.
/// </summary>
internal sealed class TextArenaPool(int arenaBytes, Action changed)
{
    private readonly Lock _gate = new();
    private readonly Stack<TextArena> _idle = new();
    private long _heldBytes;
    private long _heldBytesMax;

    public int ArenaBytes => arenaBytes;

    public long HeldBytes => Interlocked.Read(ref _heldBytes);

    /// <summary>The most that was held at one time, for the tests.</summary>
    public long HeldBytesMax => Interlocked.Read(ref _heldBytesMax);

    public TextArena Rent(WalkRun run, int bytesMin)
    {
        var size = Math.Max(bytesMin, arenaBytes);
        TextArena? arena = null;
        lock (_gate)
        {
            _heldBytes += size;
            _heldBytesMax = Math.Max(_heldBytesMax, _heldBytes);
            if (size == arenaBytes) _idle.TryPop(out arena);
        }

        run.AddHeld(size);
        arena ??= size == arenaBytes
            ? new TextArena(this, GC.AllocateUninitializedArray<byte>(size))
            : new TextArena(this, new NativeBlock(size));
        arena.Reuse(run);
        return arena;
    }

    public void Return(TextArena arena)
    {
        arena.Run?.AddHeld(-arena.Length);
        arena.Run = null;
        arena.FreeBlock();
        lock (_gate)
        {
            _heldBytes -= arena.Length;
            if (arena.IsPooled) _idle.Push(arena);
        }

        changed();
    }
}

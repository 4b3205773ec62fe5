namespace EdgeSync.Net.Http;

/// <summary>
/// Memory that all messages of strangers may take together, packed and unpacked. Whoever finds no room is sent away with a
/// status, before the memory is taken: a small machine must survive a crowd, and a small body that unpacks to a gigabyte.
/// Thread-safe.
/// </summary>
public sealed class ByteBudget
{
    private const long SmallestBudget = 8L << 20;
    private const long LargestBudget = 2L << 30;

    /// <summary>A body grows by doubling and is unpacked beside it, so a quarter is about the half that it really takes.</summary>
    private const int Part = 4;

    private readonly long _bytesMax;
    private long _taken;

    public ByteBudget(long bytesMax)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(bytesMax);
        _bytesMax = bytesMax;
    }

    /// <summary>What even a message that is alone may not pass.</summary>
    public long BytesMax => _bytesMax;

    /// <summary>Held at this moment.</summary>
    public long Taken => Interlocked.Read(ref _taken);

    /// <summary>What this process may give, by the memory of the machine, the control group or <c>--memory-limit</c>.</summary>
    public static ByteBudget OfProcess() => new(BytesFor(GC.GetGCMemoryInfo().TotalAvailableMemoryBytes));

    /// <summary>The same, for a process that has so much memory.</summary>
    public static long BytesFor(long availableBytes) => Math.Clamp(availableBytes / Part, SmallestBudget, LargestBudget);

    /// <summary>An empty share; disposing gives back what it grew to.</summary>
    public ByteShare Open() => new(this);

    internal bool TryTake(long bytes)
    {
        if (Interlocked.Add(ref _taken, bytes) <= _bytesMax) return true;

        Interlocked.Add(ref _taken, -bytes);
        return false;
    }

    internal void GiveBack(long bytes) => Interlocked.Add(ref _taken, -bytes);
}

/// <summary>What one message holds of a <see cref="ByteBudget"/>. Used by one thread at a time.</summary>
public sealed class ByteShare : IDisposable
{
    private const int Step = 64 * 1024;

    private readonly ByteBudget _budget;
    private long _asked;
    private long _held;

    internal ByteShare(ByteBudget budget) => _budget = budget;

    /// <summary>Not even an empty machine could hold that much more.</summary>
    public bool IsBeyondAll(long bytes) => _asked + bytes > _budget.BytesMax;

    /// <summary>Takes so much more; false leaves the share as it was.</summary>
    public bool TryGrow(long bytes)
    {
        var asked = _asked + bytes;
        if (asked > _held)
        {
            // In steps: a body that arrives in small pieces shall not fight over one counter.
            var step = asked - _held > Step || asked + Step > _budget.BytesMax ? asked - _held : Step;
            if (!_budget.TryTake(step)) return false;
            _held += step;
        }

        _asked = asked;
        return true;
    }

    public void Dispose()
    {
        _budget.GiveBack(_held);
        _held = _asked = 0;
    }
}

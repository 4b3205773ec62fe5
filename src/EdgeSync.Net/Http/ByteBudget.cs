using System.Net;

namespace EdgeSync.Net.Http;

/// <summary>
/// Memory that all messages of strangers may take together, packed and unpacked. Whoever finds no room is sent away
/// with a status, before the memory is taken: a small machine must survive a crowd, and a small body that unpacks to a
/// gigabyte. Thread-safe.
/// </summary>
public sealed class ByteBudget
{
    private const long SmallestBudget = 8L << 20;
    private const long LargestBudget = 2L << 30;

    /// <summary>
    /// A body grows by doubling and is unpacked beside it, so a quarter is about the half that it really takes.
    /// </summary>
    private const int Part = 4;

    /// <summary>A transfer takes buffers of the server and of the system besides what is counted.</summary>
    private const int BytesPerTransfer = 256 << 10;

    private readonly long _bytesMax;
    private readonly int _unfinishedMax;
    private readonly Lock _gate = new();
    private readonly HashSet<ByteShare> _unfinished = [];
    private long _taken;
    private long _lastBegun;

    public ByteBudget(long bytesMax)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(bytesMax);
        _bytesMax = bytesMax;
        _unfinishedMax = (int)Math.Clamp(bytesMax / BytesPerTransfer, 16, 4096);
    }

    /// <summary>What even a message that is alone may not pass.</summary>
    public long BytesMax => _bytesMax;

    /// <summary>Held at this moment.</summary>
    public long Taken => Interlocked.Read(ref _taken);

    /// <summary>
    /// What this process may give, by the memory of the machine, the control group or <c>--memory-limit</c>.
    /// </summary>
    public static ByteBudget OfProcess() => new(BytesFor(GC.GetGCMemoryInfo().TotalAvailableMemoryBytes));

    /// <summary>The same, for a process that has so much memory.</summary>
    public static long BytesFor(long availableBytes) =>
        Math.Clamp(availableBytes / Part, SmallestBudget, LargestBudget);

    /// <summary>An empty share; disposing gives back what it grew to.</summary>
    public ByteShare Open() => new(this);

    /// <summary>
    /// The share of a transfer that the other side may make as slow as it likes. When others need the room, the largest
    /// such share of the address that holds most goes: <paramref name="evict"/> ends its connection.
    /// </summary>
    public ByteShare OpenUnfinished(IPAddress address, Action evict)
    {
        var group = AddressGroup.Of(address);
        lock (_gate)
        {
            // Beyond half of them, the oldest of the same address goes; when there are too many in all, that of the
            // busiest.
            var own = _unfinished.Where(s => s.Group!.Equals(group)).ToList();
            if (own.Count >= _unfinishedMax / 2) EvictOldest(own);
            else if (_unfinished.Count >= _unfinishedMax)
                EvictOldest(_unfinished.GroupBy(s => s.Group).MaxBy(g => g.Count())!);
            var share = new ByteShare(this, group, evict) { Order = ++_lastBegun };
            _unfinished.Add(share);
            return share;
        }
    }

    internal bool TryTake(ByteShare share, long bytes)
    {
        if (Interlocked.Add(ref _taken, bytes) <= _bytesMax) return true;

        Interlocked.Add(ref _taken, -bytes);
        if (bytes > _bytesMax) return false;

        lock (_gate)
        {
            while (TryEvictFor(share, bytes))
            {
                if (Interlocked.Add(ref _taken, bytes) <= _bytesMax) return true;

                Interlocked.Add(ref _taken, -bytes);
            }
        }

        return false;
    }

    internal void GiveBack(long bytes) => Interlocked.Add(ref _taken, -bytes);

    internal void Finish(ByteShare share)
    {
        lock (_gate) _unfinished.Remove(share);
    }

    private void EvictOldest(IEnumerable<ByteShare> shares)
    {
        var oldest = shares.MinBy(s => s.Order)!;
        _unfinished.Remove(oldest);
        oldest.Evict();
    }

    // Only an address that holds more than the one that asks will hold then has to give way.
    private bool TryEvictFor(ByteShare asking, long bytes)
    {
        if (_unfinished.Count == 0) return false;

        var busiest = _unfinished.GroupBy(s => s.Group).Select(g => (Group: g.Key, Held: g.Sum(s => s.Held)))
            .MaxBy(g => g.Held);
        var own = bytes + _unfinished.Where(s => s.Group!.Equals(asking.Group)).Sum(s => s.Held);
        if (busiest.Group is null || busiest.Group.Equals(asking.Group) || busiest.Held <= own) return false;

        var victim = _unfinished.Where(s => s.Group!.Equals(busiest.Group)).MaxBy(s => s.Held)!;
        _unfinished.Remove(victim);
        victim.Evict();
        return true;
    }
}

/// <summary>What one message holds of a <see cref="ByteBudget"/>. Used by one thread at a time.</summary>
public sealed class ByteShare : IDisposable
{
    private const int Step = 64 * 1024;

    private readonly ByteBudget _budget;
    private readonly Action? _evict;
    private long _asked;
    private long _held;
    private bool _isEvicted;

    internal ByteShare(ByteBudget budget, IPAddress? group = null, Action? evict = null)
    {
        _budget = budget;
        Group = group;
        _evict = evict;
    }

    /// <summary>Whose it is, while it may be taken away.</summary>
    internal IPAddress? Group { get; }

    /// <summary>In the order in which they began.</summary>
    internal long Order { get; init; }

    internal long Held => Interlocked.Read(ref _held);

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
            if (Volatile.Read(ref _isEvicted) || !_budget.TryTake(this, step)) return false;
            Interlocked.Add(ref _held, step);
        }

        _asked = asked;
        return true;
    }

    /// <summary>
    /// It depends on the other side no more, and cannot be taken away. False when it was taken away already.
    /// </summary>
    public bool TryFinish()
    {
        _budget.Finish(this);
        return !Volatile.Read(ref _isEvicted);
    }

    public void Dispose()
    {
        _budget.Finish(this);
        _budget.GiveBack(Interlocked.Exchange(ref _held, 0));
        _asked = 0;
    }

    internal void Evict()
    {
        Volatile.Write(ref _isEvicted, true);
        _budget.GiveBack(Interlocked.Exchange(ref _held, 0));
        _evict!();
    }
}

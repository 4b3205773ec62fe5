using System.Net;

namespace EdgeSync.Net.Http;

/// <summary>
/// The memory for the messages of unauthenticated clients together, packed and unpacked. A message without room gets a
/// status, before the memory is taken: a small machine must survive many clients, and a small body that unpacks to a
/// gigabyte. Thread-safe.
/// </summary>
public sealed class ByteBudget
{
    private const long SmallestBudget = 8L << 20;
    private const long LargestBudget = 2L << 30;

    /// <summary>
    /// A body grows by doubling and is unpacked beside it, so a quarter is about half of the real memory.
    /// </summary>
    private const int Part = 4;

    /// <summary>A transfer takes buffers of the server and of the system besides the counted bytes.</summary>
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

    /// <summary>The limit of one message, even alone.</summary>
    public long BytesMax => _bytesMax;

    /// <summary>Bytes taken now.</summary>
    public long Taken => Interlocked.Read(ref _taken);

    /// <summary>
    /// The budget of this process, by the memory of the machine, the control group or <c>--memory-limit</c>.
    /// </summary>
    public static ByteBudget OfProcess() => new(BytesFor(GC.GetGCMemoryInfo().TotalAvailableMemoryBytes));

    /// <summary>The same, for a process that has so much memory.</summary>
    public static long BytesFor(long availableBytes) =>
        Math.Clamp(availableBytes / Part, SmallestBudget, LargestBudget);

    /// <summary>An empty share; disposing returns its bytes.</summary>
    public ByteShare Open() => new(this);

    /// <summary>
    /// The share of a transfer whose speed the other side decides. When other transfers need the memory, the largest
    /// such share of the address that holds most is ended: <paramref name="evict"/> closes its connection.
    /// </summary>
    public ByteShare OpenUnfinished(IPAddress address, Action evict)
    {
        var group = AddressGroup.Of(address);
        lock (_gate)
        {
            // Beyond half of them, the oldest of the same address is ended; when there are too many in all, that of the
            // address with the most.
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

    // Only an address that holds more than the requesting one will hold loses a share.
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

/// <summary>The bytes that one message holds of a <see cref="ByteBudget"/>. Used by one thread at a time.</summary>
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

    /// <summary>Its address group, while it can be ended.</summary>
    internal IPAddress? Group { get; }

    /// <summary>In the order of their start.</summary>
    internal long Order { get; init; }

    internal long Held => Interlocked.Read(ref _held);

    /// <summary>More than the whole budget.</summary>
    public bool IsBeyondAll(long bytes) => _asked + bytes > _budget.BytesMax;

    /// <summary>Takes more bytes; false leaves the share unchanged.</summary>
    public bool TryGrow(long bytes)
    {
        var asked = _asked + bytes;
        if (asked > _held)
        {
            // In steps, so that bodies in small pieces do not contend for one counter.
            var step = asked - _held > Step || asked + Step > _budget.BytesMax ? asked - _held : Step;
            if (Volatile.Read(ref _isEvicted) || !_budget.TryTake(this, step)) return false;
            Interlocked.Add(ref _held, step);
        }

        _asked = asked;
        return true;
    }

    /// <summary>
    /// The transfer no longer depends on the other side and cannot be ended. False when it was ended already.
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

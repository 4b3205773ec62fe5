using EdgeSync.Quic.Frames;

namespace EdgeSync.Quic.Streams;

/// <summary>Disjoint ranges of numbers in ascending order, both ends included; neighbours are joined.</summary>
internal sealed class RangeSet
{
    private NumberRange[] _items = new NumberRange[4];

    public int Count { get; private set; }

    public static RangeSet Of(ulong number)
    {
        var set = new RangeSet();
        set.Add(number, number);
        return set;
    }

    public ReadOnlySpan<NumberRange> Items => _items.AsSpan(0, Count);

    public NumberRange First => _items[0];

    public NumberRange Last => _items[Count - 1];

    public void Clear() => Count = 0;

    public bool Contains(ulong number)
    {
        var at = FindFirstEndingFrom(number);
        return at < Count && _items[at].Start <= number;
    }

    /// <summary>Adds all numbers from start to end.</summary>
    public void Add(ulong start, ulong end)
    {
        // The first range that ends at start - 1 or later: it, and those after it, may join.
        var from = FindFirstEndingFrom(start == 0 ? 0 : start - 1);
        var to = from;
        for (; to < Count && _items[to].Start <= (end == ulong.MaxValue ? end : end + 1); to++)
        {
            start = Math.Min(start, _items[to].Start);
            end = Math.Max(end, _items[to].End);
        }

        Replace(from, to, 1);
        _items[from] = new NumberRange(start, end);
    }

    /// <summary>Removes all numbers from start to end.</summary>
    public void Remove(ulong start, ulong end)
    {
        var from = FindFirstEndingFrom(start);
        var to = from;
        NumberRange? left = null;
        NumberRange? right = null;
        for (; to < Count && _items[to].Start <= end; to++)
        {
            if (_items[to].Start < start) left = new NumberRange(_items[to].Start, start - 1);
            if (_items[to].End > end) right = new NumberRange(end + 1, _items[to].End);
        }

        Replace(from, to, (left is null ? 0 : 1) + (right is null ? 0 : 1));
        if (left is { } l) _items[from++] = l;
        if (right is { } r) _items[from] = r;
    }

    public void RemoveFirst() => Replace(0, 1, 0);

    /// <summary>The first range whose end is not below a number.</summary>
    private int FindFirstEndingFrom(ulong number)
    {
        // Packets and bytes come in order, mostly: the last range is looked at first.
        if (Count == 0 || _items[Count - 1].End < number) return Count;
        var (low, high) = (0, Count - 1);
        while (low < high)
        {
            var middle = (low + high) / 2;
            if (_items[middle].End < number) low = middle + 1;
            else high = middle;
        }

        return low;
    }

    /// <summary>Makes room for <paramref name="count"/> items in the place of those from.. to.</summary>
    private void Replace(int from, int to, int count)
    {
        var change = count - (to - from);
        if (Count + change > _items.Length) Array.Resize(ref _items, _items.Length * 2);
        if (change != 0) Array.Copy(_items, to, _items, to + change, Count - to);
        Count += change;
    }
}

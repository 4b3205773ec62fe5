namespace EdgeSync.Quic.Recovery;

/// <summary>A queue of values by consecutive numbers; it grows, and never allocates once it has its size.</summary>
internal sealed class Ring<T>
    where T : struct
{
    private T[] _items = new T[16];

    /// <summary>The number of the oldest value.</summary>
    public ulong First { get; private set; }

    /// <summary>The number that the next value gets.</summary>
    public ulong Next { get; private set; }

    public bool IsEmpty => First == Next;

    public ref T this[ulong number] => ref _items[number & (ulong)(_items.Length - 1)];

    public bool Holds(ulong number) => number >= First && number < Next;

    public void Add(in T value)
    {
        if (Next - First == (ulong)_items.Length) Grow();
        this[Next++] = value;
    }

    public void RemoveFirst()
    {
        this[First] = default;
        First++;
    }

    private void Grow()
    {
        var larger = new T[_items.Length * 2];
        for (var number = First; number < Next; number++) larger[number & (ulong)(larger.Length - 1)] = this[number];
        _items = larger;
    }
}

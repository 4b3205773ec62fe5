namespace EdgeSync.Fossil.Diff;

/// <summary>
/// Numbers the lines of two texts so that equal ones, and only they, have the same number: comparing lines is then
/// comparing integers, and runs of them are compared a vector at a time.
/// </summary>
internal sealed class LineClasses
{
    private readonly DiffText _to;
    private readonly int[] _slots;   // one more than a line of _to, or less than minus the count of them: one of _from

    private DiffText? _from;

    /// <param name="to">Its lines get the numbers first.</param>
    /// <param name="others">How many lines of another text may get numbers too.</param>
    public LineClasses(DiffText to, int others)
    {
        _to = to;
        _slots = new int[(int)System.Numerics.BitOperations.RoundUpToPowerOf2((uint)(to.Count + others) * 2 + 2)];
        To = new int[to.Count];
        for (var i = 0; i < to.Count; i++) To[i] = Number(to, i, i, isKept: true);
    }

    public int[] To { get; }

    /// <summary>The numbers of another text's lines.</summary>
    /// <param name="from">The other text.</param>
    /// <param name="isKept">
    /// Lines without an equal get numbers of their own; otherwise they all get -1, and the table stays as it is.
    /// </param>
    public int[] Of(DiffText from, bool isKept)
    {
        _from = from;
        var numbers = new int[from.Count];
        for (var i = 0; i < from.Count; i++) numbers[i] = Number(from, i, _to.Count + i, isKept);
        return numbers;
    }

    /// <summary>As the other, keeping none, for a text that shares lines with an earlier one.</summary>
    /// <param name="from">The other text.</param>
    /// <param name="earlier">The numbers of the earlier one's lines.</param>
    /// <param name="room">Is filled, if it is long enough; otherwise a new array is.</param>
    /// <returns>One number a line; behind them the array may have room.</returns>
    public int[] Of(DiffText from, ReadOnlySpan<int> earlier, int[] room)
    {
        var numbers = room.Length >= from.Count ? room : new int[from.Count + (from.Count / 8)];
        earlier[..from.SharedHead].CopyTo(numbers);
        earlier[^from.SharedTail..].CopyTo(numbers.AsSpan(from.Count - from.SharedTail));
        for (var i = from.SharedHead; i < from.Count - from.SharedTail; i++)
            numbers[i] = Number(from, i, _to.Count + i, isKept: false);
        return numbers;
    }

    private int Number(DiffText text, int index, int number, bool isKept)
    {
        var mask = _slots.Length - 1;
        for (var at = (int)((text.Lines[index].Hash * 0x9E3779B97F4A7C15) >> 33) & mask; ; at = (at + 1) & mask)
        {
            var known = _slots[at] - 1;
            if (known < 0)
            {
                if (!isKept) return -1;

                _slots[at] = number + 1;
                return number;
            }

            if (known < _to.Count ? text.IsSame(index, _to, known) : text.IsSame(index, _from!, known - _to.Count))
                return known;
        }
    }
}

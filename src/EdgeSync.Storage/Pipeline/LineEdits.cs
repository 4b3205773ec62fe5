using EdgeSync.Fossil.Delta;

namespace EdgeSync.Storage.Pipeline;

/// <summary>Whole lines of the source that the text does not have in this place, and what it has instead. Either may be empty.</summary>
public readonly record struct LineEdit(ReadOnlyMemory<byte> Removed, ReadOnlyMemory<byte> Added);

/// <summary>
/// Reads from a delta which lines differ between source and target. Two check-ins next to each other share all but a few
/// of thousands of lines, and the delta already says which: whoever keeps the source's file list needs only these.
/// </summary>
/// <remarks>
/// Copies are cut to the whole lines in them. Of these the heaviest set is chosen that is in the same order in both texts;
/// all else counts as removed and added, so that a line may appear in both though it did not change.
/// </remarks>
internal sealed class LineEdits
{
    // Choosing the best order looks at all pairs; beyond this many copies the first that fits is taken.
    private const int PairedCopiesMax = 256;

    private readonly List<Copy> _copies = [];
    private readonly List<Copy> _kept = [];
    private readonly List<Gap> _gaps = [];

    /// <summary>Places that differ: in the source and in the target.</summary>
    public readonly record struct Gap(int SourceStart, int SourceLength, int TargetStart, int TargetLength);

    /// <summary>The gaps between what both texts have; valid until the next call. The delta must have been applied.</summary>
    public List<Gap> Find(ReadOnlySpan<byte> source, ReadOnlySpan<byte> delta, ReadOnlySpan<byte> target)
    {
        ListCopies(source, delta, target);
        ChooseInOrder();

        _gaps.Clear();
        int sourceAt = 0, targetAt = 0;
        foreach (var copy in _kept)
        {
            AddGap(sourceAt, copy.Source, targetAt, copy.Target);
            (sourceAt, targetAt) = (copy.Source + copy.Length, copy.Target + copy.Length);
        }

        AddGap(sourceAt, source.Length, targetAt, target.Length);
        return _gaps;
    }

    private void AddGap(int sourceStart, int sourceEnd, int targetStart, int targetEnd)
    {
        if (sourceStart == sourceEnd && targetStart == targetEnd) return;
        _gaps.Add(new Gap(sourceStart, sourceEnd - sourceStart, targetStart, targetEnd - targetStart));
    }

    private void ListCopies(ReadOnlySpan<byte> source, ReadOnlySpan<byte> delta, ReadOnlySpan<byte> target)
    {
        _copies.Clear();
        var reader = new DeltaReader(delta);
        var at = 0;
        while (reader.TryRead(out var segment))
        {
            if (segment.IsCopy && TryCut(source, target, segment.Offset, at, segment.Length, out var copy)) _copies.Add(copy);
            at += segment.Length;
        }
    }

    private static bool TryCut(
        ReadOnlySpan<byte> source, ReadOnlySpan<byte> target, int sourceStart, int targetStart, int length, out Copy copy)
    {
        var text = target.Slice(targetStart, length);
        var start = IsLineStart(source, sourceStart) && IsLineStart(target, targetStart) ? 0 : text.IndexOf((byte)'\n') + 1;
        var end = text.LastIndexOf((byte)'\n') + 1;
        copy = new Copy(sourceStart + start, targetStart + start, end - start);
        return copy.Length > 0 && (start > 0 || IsLineStart(target, targetStart));
    }

    private static bool IsLineStart(ReadOnlySpan<byte> text, int at) => at == 0 || text[at - 1] == '\n';

    // Copies come in target order; the chosen ones are in source order too, and weigh the most together.
    private void ChooseInOrder()
    {
        _kept.Clear();
        if (_copies.Count > PairedCopiesMax)
        {
            foreach (var copy in _copies)
            {
                if (_kept.Count == 0 || copy.Follows(_kept[^1])) _kept.Add(copy);
            }

            return;
        }

        Span<long> weights = stackalloc long[PairedCopiesMax];
        Span<int> previous = stackalloc int[PairedCopiesMax];
        var best = -1;
        for (var i = 0; i < _copies.Count; i++)
        {
            weights[i] = _copies[i].Length;
            previous[i] = -1;
            for (var j = 0; j < i; j++)
            {
                if (!_copies[i].Follows(_copies[j]) || weights[j] + _copies[i].Length <= weights[i]) continue;
                weights[i] = weights[j] + _copies[i].Length;
                previous[i] = j;
            }

            if (best < 0 || weights[i] > weights[best]) best = i;
        }

        for (; best >= 0; best = previous[best]) _kept.Add(_copies[best]);
        _kept.Reverse();
    }

    private readonly record struct Copy(int Source, int Target, int Length)
    {
        public bool Follows(Copy other) => Source >= other.Source + other.Length;
    }
}

using System.Buffers;
using System.Runtime.InteropServices;
using EdgeSync.Fossil.Artifacts;
using EdgeSync.Primitives;

namespace EdgeSync.Storage.Crosslink.Rebuild;

/// <summary>
/// Reads check-ins one after the other, each by its difference from the previous one: in a history most of the F cards
/// are the same, byte for byte, so they need neither be parsed nor numbered again.
/// </summary>
/// <remarks>
/// After the common cards are removed, a small artifact of the same kind is left, which the real parser reads; the
/// order of the neighbours of each changed card is checked here. Anything unusual sends the whole text through the
/// parser, which alone decides.
/// <code>
/// C …  D …   F a 11   F b 22   F c 33   P …  R …  Z …        the check-in before
/// C …  D …   F a 11   F b 44   F c 33   P …  R …  Z …        this one
/// C …  D …            F b 44            P …  R …  Z …        what is parsed
/// </code>
/// </remarks>
internal sealed class CheckInReader(NameTable names, Instant now)
{
    // "Z ", 32 digits, line feed.
    private const int ZCardLength = 35;

    // Spec: the D card may be "now": when it is linked.
    private readonly ArtifactParserOptions _withoutChecksum = new(now, SkipsChecksum: true);

    private readonly ArrayBufferWriter<byte> _reduced = new();
    private readonly List<FileEdit> _edits = [];
    private byte[] _baseCards = [];
    private int _baseLength;
    private CheckInFiles? _base;
    private byte[] _nameBuffer = new byte[512];
    private byte[] _otherBuffer = new byte[512];

    /// <summary>How many check-ins needed the whole parser, for tests.</summary>
    public int WholeCount { get; private set; }

    /// <summary>
    /// The text ends with the MD5 of all before it; false also where there is no such card at the end.
    /// </summary>
    public static bool HasRightZCard(ReadOnlySpan<byte> text) =>
        text.Length > ZCardLength && text[^ZCardLength..].StartsWith("Z "u8)
        && Md5Digest.TryParse(text[^(ZCardLength - 2)..^1], out var promised)
        && promised == Md5Hasher.Compute(text[..^ZCardLength]);

    /// <summary>
    /// Reads an artifact whose Z card was verified. A check-in is returned with few F cards or none (<paramref
    /// name="files"/> has them all); any other artifact unchanged.
    /// </summary>
    public bool TryRead(ReadOnlyMemory<byte> text, out Artifact artifact, out CheckInFiles? files)
    {
        files = null;
        if (TryFindFileCards(text.Span, out var begin, out var end))
        {
            if (TryReadByDifference(text.Span, begin, end, out artifact, out files)) return true;
            if (TryReadWhole(text.Span, begin, end, out artifact, out files)) return true;
        }

        WholeCount++;
        if (!ArtifactParser.TryParse(text, out artifact, _withoutChecksum)) return false;
        if (artifact.Kind == ArtifactKind.CheckIn) files = CheckInFiles.From(artifact, names);
        return true;
    }

    // The cards before F are B, C and D, one line each; those behind come in few lines.
    private static bool TryFindFileCards(ReadOnlySpan<byte> text, out int begin, out int end)
    {
        begin = end = 0;
        while (begin + 1 < text.Length && text[begin] is (byte)'C' or (byte)'D' && text[begin + 1] == ' ')
        {
            var line = text[begin..].IndexOf((byte)'\n');
            if (line < 0) return false;
            begin += line + 1;
        }

        if (begin + 1 >= text.Length || text[begin] != 'F' || text[begin + 1] != ' ') return false;
        end = text.Length;
        while (end > begin)
        {
            var start = text[..(end - 1)].LastIndexOf((byte)'\n') + 1;
            if (text[start] == 'F') break;
            end = start;
        }

        return end > begin;
    }

    private bool TryReadByDifference(
        ReadOnlySpan<byte> text, int begin, int end, out Artifact artifact, out CheckInFiles? files)
    {
        artifact = null!;
        files = null;
        if (_base is null) return false;

        _edits.Clear();
        Restart(text[..begin]);
        if (!TryCompare(_baseCards.AsSpan(0, _baseLength), text[begin..end])) return false;
        if (_reduced.WrittenCount == begin) _reduced.Write(text[begin..(begin + LineLength(text[begin..end]))]);
        _reduced.Write(text[end..]);
        if (!ArtifactParser.TryParse(_reduced.WrittenMemory.ToArray(), out artifact, _withoutChecksum)) return false;
        if (artifact.Kind != ArtifactKind.CheckIn || !artifact.Baseline.IsEmpty) return false;

        files = Apply(artifact);
        Remember(text[begin..end], files);
        return true;
    }

    /// <summary>The whole parser; the result has one F card, so that it is small.</summary>
    private bool TryReadWhole(
        ReadOnlySpan<byte> text, int begin, int end, out Artifact artifact, out CheckInFiles? files)
    {
        files = null;
        WholeCount++;
        if (!ArtifactParser.TryParse(text.ToArray(), out artifact, _withoutChecksum)
            || artifact.Kind != ArtifactKind.CheckIn || !artifact.Baseline.IsEmpty) return false;

        files = CheckInFiles.From(artifact, names);
        Remember(text[begin..end], files);
        Restart(text[..begin]);
        _reduced.Write(text[begin..(begin + LineLength(text[begin..end]))]);
        _reduced.Write(text[end..]);
        return ArtifactParser.TryParse(_reduced.WrittenMemory.ToArray(), out artifact, _withoutChecksum);
    }

    private void Restart(ReadOnlySpan<byte> head)
    {
        _reduced.ResetWrittenCount();
        _reduced.Write(head);
    }

    /// <summary>Writes the changed cards of the text into the text to parse, and records the removed names.</summary>
    private bool TryCompare(ReadOnlySpan<byte> before, ReadOnlySpan<byte> after)
    {
        int b = 0, a = 0;
        var previous = ReadOnlySpan<byte>.Empty;   // the card before "after[a..]"
        while (b < before.Length || a < after.Length)
        {
            var common = before[b..].CommonPrefixLength(after[a..]);
            var whole = common == 0 ? 0 : after.Slice(a, common).LastIndexOf((byte)'\n') + 1;
            if (whole > 0)
            {
                var last = after.Slice(a, whole - 1).LastIndexOf((byte)'\n') + 1;
                previous = after.Slice(a + last, whole - last);
                b += whole;
                a += whole;
                continue;
            }

            var beforeLine = before[b..][..LineLength(before[b..])];
            var afterLine = after[a..][..LineLength(after[a..])];
            var order = beforeLine.IsEmpty ? 1 : afterLine.IsEmpty ? -1 : CompareNames(beforeLine, afterLine);
            if (order < 0)
            {
                _edits.Add(
                    new FileEdit(
                        new FileEntry(names.NumberOf(NameOf(beforeLine, ref _nameBuffer)), 0, 0), IsRemoval: true));
                b += beforeLine.Length;
                continue;
            }

            // A new or changed card: it must sort between its neighbours.
            var next = after[(a + afterLine.Length)..];
            if (!previous.IsEmpty && CompareNames(previous, afterLine) >= 0) return false;
            if (!next.IsEmpty && CompareNames(afterLine, next[..LineLength(next)]) >= 0) return false;

            _reduced.Write(afterLine);
            previous = afterLine;
            a += afterLine.Length;
            if (order == 0) b += beforeLine.Length;
        }

        return true;
    }

    // Removals were noted in order of names, and so are the cards that were parsed.
    private CheckInFiles Apply(Artifact artifact)
    {
        var removals = _edits.ToArray();
        _edits.Clear();
        var renames = new List<FileRename>();
        var changed = new HashSet<int>();
        var r = 0;
        foreach (var file in artifact.Files)
        {
            var entry = new FileEntry(names.NumberOf(file.Name), names.NumberOf(file.Id), file.Permission);
            while (r < removals.Length && names.Compare(removals[r].Entry.Name, entry.Name) < 0)
                _edits.Add(removals[r++]);
            _edits.Add(new FileEdit(entry, IsRemoval: false));
            changed.Add(entry.Name);
            if (file.HasOldName) renames.Add(new FileRename(entry.Name, names.NumberOf(file.OldName)));
        }

        while (r < removals.Length) _edits.Add(removals[r++]);
        foreach (var removal in removals) changed.Add(removal.Entry.Name);
        foreach (var rename in _base!.Renames)
            if (!changed.Contains(rename.Name)) renames.Add(rename);

        return CheckInFiles.From(artifact, _base.Own.With(CollectionsMarshal.AsSpan(_edits), names), [.. renames]);
    }

    private void Remember(ReadOnlySpan<byte> cards, CheckInFiles files)
    {
        if (_baseCards.Length < cards.Length) _baseCards = new byte[cards.Length + (cards.Length / 4)];
        cards.CopyTo(_baseCards);
        _baseLength = cards.Length;
        _base = files;
    }

    private int CompareNames(ReadOnlySpan<byte> left, ReadOnlySpan<byte> right) =>
        NameOf(left, ref _nameBuffer).SequenceCompareTo(NameOf(right, ref _otherBuffer));

    // As in the parser: a NUL ends a token, and, if written with a backslash, the name.
    private static ReadOnlySpan<byte> NameOf(ReadOnlySpan<byte> card, ref byte[] buffer)
    {
        card = card.Length > 2 ? card[2..] : default;
        var end = card.IndexOfAny((byte)' ', (byte)'\n', (byte)0);
        var token = end < 0 ? card : card[..end];
        if (!FossilText.NeedsDecoding(token)) return token;
        if (buffer.Length < token.Length) buffer = new byte[token.Length * 2];
        var name = buffer.AsSpan(0, FossilText.Decode(token, buffer));
        return name.IndexOf((byte)0) is var nul && nul < 0 ? name : name[..nul];
    }

    private static int LineLength(ReadOnlySpan<byte> text)
    {
        var end = text.IndexOf((byte)'\n');
        return end < 0 ? text.Length : end + 1;
    }
}

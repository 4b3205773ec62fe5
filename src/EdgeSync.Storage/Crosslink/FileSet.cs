using EdgeSync.Fossil.Artifacts;

namespace EdgeSync.Storage.Crosslink;

/// <summary>
/// One file of a check-in, by the numbers of a <see cref="NameTable"/>; content 0 means deleted (delta manifests).
/// </summary>
internal readonly record struct FileEntry(int Name, int Content, FilePermission Permission)
{
    public bool IsDeleted => Content == 0;

    public bool IsSameAs(FileEntry other) => Content == other.Content && Permission == other.Permission;
}

/// <summary>One step from a list to the next: the new entry of a name, or its removal.</summary>
internal readonly record struct FileEdit(FileEntry Entry, bool IsRemoval);

/// <summary>
/// The files of a check-in, ordered by name, in chunks that never change. A list made by a few edits shares all other
/// chunks with the list it came from: thousands of check-ins of one tree fit in memory, and comparing two of them skips
/// what they share.
/// </summary>
internal sealed class FileSet
{
    private const int ChunkEntries = 24;

    private const int ChunkEntriesMax = 2 * ChunkEntries;

    public static readonly FileSet Empty = new([], 0);

    private readonly FileEntry[][] _chunks;   // none is empty

    private FileSet(FileEntry[][] chunks, int count) => (_chunks, Count) = (chunks, count);

    public int Count { get; }

    /// <summary>Entries must be in order, without duplicates.</summary>
    public static FileSet FromOrdered(ReadOnlySpan<FileEntry> entries)
    {
        if (entries.IsEmpty) return Empty;

        var chunks = new FileEntry[(entries.Length + ChunkEntries - 1) / ChunkEntries][];
        for (var i = 0; i < chunks.Length; i++)
        {
            var rest = entries[(i * ChunkEntries)..];
            chunks[i] = rest[..Math.Min(ChunkEntries, rest.Length)].ToArray();
        }

        return new FileSet(chunks, entries.Length);
    }

    /// <summary>
    /// The same list after edits that are ordered by name. Removing a name that is absent changes nothing.
    /// </summary>
    public FileSet With(ReadOnlySpan<FileEdit> edits, NameTable names)
    {
        if (edits.IsEmpty) return this;
        if (Count == 0) return FromEdits(edits);

        var chunks = new List<FileEntry[]>(_chunks.Length + 2);
        var merged = new List<FileEntry>(ChunkEntriesMax);
        var count = 0;
        for (int chunk = 0, edit = 0; chunk < _chunks.Length; chunk++)
        {
            // The edits of this chunk: all below the first name of the next one.
            var end = edit;
            if (chunk + 1 == _chunks.Length) end = edits.Length;
            else
                while (end < edits.Length && names.Compare(edits[end].Entry.Name, _chunks[chunk + 1][0].Name) < 0)
                    end++;

            if (end == edit)
            {
                chunks.Add(_chunks[chunk]);
                count += _chunks[chunk].Length;
                continue;
            }

            merged.Clear();
            Merge(_chunks[chunk], edits[edit..end], merged, names);
            edit = end;
            count += merged.Count;
            AddChunks(chunks, merged);
        }

        return new FileSet([.. chunks], count);
    }

    /// <summary>The entry of a name; false when there is none.</summary>
    public bool TryFind(int name, NameTable names, out FileEntry entry)
    {
        entry = default;
        int low = 0, high = _chunks.Length - 1;
        while (low <= high)
        {
            var middle = (low + high) >>> 1;
            var order = names.Compare(_chunks[middle][0].Name, name);
            if (order == 0)
            {
                entry = _chunks[middle][0];
                return true;
            }

            if (order < 0) low = middle + 1;
            else high = middle - 1;
        }

        if (high < 0) return false;
        foreach (var candidate in _chunks[high])
        {
            if (candidate.Name != name) continue;
            entry = candidate;
            return true;
        }

        return false;
    }

    public Cursor Start() => new(_chunks);

    /// <summary>Walks the names in which two lists differ; an entry that a side lacks is null there.</summary>
    public static IEnumerable<(FileEntry? Left, FileEntry? Right)> Differences(
        FileSet left, FileSet right, NameTable names)
    {
        var l = left.Start();
        var r = right.Start();
        while (true)
        {
            Cursor.SkipShared(ref l, ref r);
            if (l.IsAtEnd && r.IsAtEnd) yield break;

            var order = l.IsAtEnd ? 1 : r.IsAtEnd ? -1 : names.Compare(l.Current.Name, r.Current.Name);
            if (order == 0)
            {
                if (!l.Current.IsSameAs(r.Current)) yield return (l.Current, r.Current);
                l.MoveNext();
                r.MoveNext();
            }
            else if (order < 0)
            {
                yield return (l.Current, null);
                l.MoveNext();
            }
            else
            {
                yield return (null, r.Current);
                r.MoveNext();
            }
        }
    }

    private static FileSet FromEdits(ReadOnlySpan<FileEdit> edits)
    {
        var entries = new List<FileEntry>(edits.Length);
        foreach (var edit in edits)
            if (!edit.IsRemoval) entries.Add(edit.Entry);
        return FromOrdered(System.Runtime.InteropServices.CollectionsMarshal.AsSpan(entries));
    }

    private static void Merge(
        ReadOnlySpan<FileEntry> entries, ReadOnlySpan<FileEdit> edits, List<FileEntry> merged, NameTable names)
    {
        var e = 0;
        foreach (var edit in edits)
        {
            while (e < entries.Length && names.Compare(entries[e].Name, edit.Entry.Name) < 0) merged.Add(entries[e++]);
            if (e < entries.Length && entries[e].Name == edit.Entry.Name) e++;
            if (!edit.IsRemoval) merged.Add(edit.Entry);
        }

        while (e < entries.Length) merged.Add(entries[e++]);
    }

    private static void AddChunks(List<FileEntry[]> chunks, List<FileEntry> merged)
    {
        if (merged.Count == 0) return;
        var parts = merged.Count <= ChunkEntriesMax ? 1 : (merged.Count + ChunkEntries - 1) / ChunkEntries;
        for (var part = 0; part < parts; part++)
        {
            var begin = merged.Count * part / parts;
            var end = merged.Count * (part + 1) / parts;
            chunks.Add([.. merged[begin..end]]);
        }
    }

    /// <summary>A place in a list.</summary>
    internal struct Cursor
    {
        private readonly FileEntry[][] _chunks;
        private int _chunk;
        private int _entry;

        public Cursor(FileEntry[][] chunks) => _chunks = chunks;

        public readonly bool IsAtEnd => _chunk == _chunks.Length;

        public readonly FileEntry Current => _chunks[_chunk][_entry];

        public void MoveNext()
        {
            if (++_entry < _chunks[_chunk].Length) return;
            _chunk++;
            _entry = 0;
        }

        /// <summary>Moves both past chunks that are the same object.</summary>
        public static void SkipShared(ref Cursor left, ref Cursor right)
        {
            if (left._entry != 0 || right._entry != 0) return;
            while (!left.IsAtEnd && !right.IsAtEnd
                   && ReferenceEquals(left._chunks[left._chunk], right._chunks[right._chunk]))
            {
                left._chunk++;
                right._chunk++;
            }
        }
    }
}

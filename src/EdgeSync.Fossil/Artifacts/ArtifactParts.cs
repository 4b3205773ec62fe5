using EdgeSync.Primitives;

namespace EdgeSync.Fossil.Artifacts;

/// <summary>
/// A place in the artifact's buffer, or (start negative: complement) in its decoded texts. The default is absent.
/// </summary>
internal readonly record struct TextSlot(int Start, int Length)
{
    // A card's argument never starts at byte 0 (its letter does), and a complement is never 0 either.
    public bool IsAbsent => Start == 0;
}

internal struct FileSlot
{
    public TextSlot Name;
    public TextSlot OldName;
    public int HashStart;
    public byte HashLength;
    public FilePermission Permission;
}

internal readonly record struct TagSlot(TextSlot Name, TextSlot Value, ArtifactId Target, TextSlot TargetText);

internal readonly record struct FieldSlot(TextSlot Name, TextSlot Value);

/// <summary>Permission of a file in a check-in. The numbers are those of the mlink table.</summary>
public enum FilePermission : byte
{
    Regular = 0,
    Executable = 1,

    /// <summary>The content is the link's target.</summary>
    Symlink = 2,
}

/// <summary>Q card: <c>+HASH</c> merged a change, <c>-HASH</c> backed it out; a second hash makes it a range.</summary>
public readonly record struct CherrypickCard(ArtifactId Target, bool IsBackout, ArtifactId Base = default)
{
    /// <summary>
    /// The first hash is written in upper case, at least in part: stock then finds no such artifact for its table.
    /// </summary>
    public bool IsUpperCase { get; init; }
}

/// <summary>What a T card does with its tag.</summary>
public enum TagAction : byte
{
    /// <summary><c>-</c>: cancels the tag, and stops its propagation from ancestors.</summary>
    Cancel = 0,

    /// <summary><c>+</c>: this artifact only.</summary>
    Single = 1,

    /// <summary><c>*</c>: this artifact and its descendants.</summary>
    Propagating = 2,
}

/// <summary>F card: one file of a check-in. Names are decoded.</summary>
public readonly struct FileCard
{
    private readonly Artifact _artifact;
    private readonly int _index;

    internal FileCard(Artifact artifact, int index) => (_artifact, _index) = (artifact, index);

    private ref readonly FileSlot Slot => ref _artifact.FileSlots[_index];

    public ReadOnlySpan<byte> Name => _artifact.TextOf(Slot.Name);

    /// <summary>The name as memory that lives as long as the artifact.</summary>
    public ReadOnlyMemory<byte> NameMemory => _artifact.MemoryOf(Slot.Name);

    /// <summary>In a delta manifest only: the baseline's file of this name is gone.</summary>
    public bool IsDeleted => Slot.HashLength == 0;

    public FilePermission Permission => Slot.Permission;

    /// <summary>The name this file had in the primary parent; empty if the card names none.</summary>
    public ReadOnlySpan<byte> OldName => _artifact.TextOf(Slot.OldName);

    public bool HasOldName => !Slot.OldName.IsAbsent;

    /// <summary>The hash as written; empty when deleted. Comparing these is cheaper than comparing ids.</summary>
    public ReadOnlySpan<byte> HashText
    {
        get
        {
            ref readonly var slot = ref Slot;
            return _artifact.Buffer.AsSpan(slot.HashStart, slot.HashLength);
        }
    }

    /// <summary>The content, decoded from hex on each call; empty when deleted.</summary>
    public ArtifactId Id => HashToken.TryParse(HashText, out var id) ? id : default;

    /// <summary>Order of F cards: decoded bytes, as memcmp.</summary>
    public int CompareName(FileCard other) => Name.SequenceCompareTo(other.Name);

    /// <summary>Same content and same permission.</summary>
    public bool IsSameAs(FileCard other) => Permission == other.Permission && HashText.SequenceEqual(other.HashText);
}

/// <summary>The F cards of one artifact, by position.</summary>
public readonly struct FileList
{
    private readonly Artifact _artifact;

    internal FileList(Artifact artifact) => _artifact = artifact;

    public int Count => _artifact.FileCount;

    public FileCard this[int index] => (uint)index < (uint)_artifact.FileCount
        ? new FileCard(_artifact, index)
        : throw new ArgumentOutOfRangeException(nameof(index));

    /// <summary>
    /// Position of the file with this decoded name, or the complement of where it would stand. Binary search.
    /// </summary>
    public int Find(ReadOnlySpan<byte> name)
    {
        int low = 0, high = Count - 1;
        while (low <= high)
        {
            var middle = (low + high) >>> 1;
            var order = _artifact.TextOf(_artifact.FileSlots[middle].Name).SequenceCompareTo(name);
            if (order == 0) return middle;
            if (order < 0) low = middle + 1;
            else high = middle - 1;
        }

        return ~low;
    }

    public Enumerator GetEnumerator() => new(_artifact);

    public struct Enumerator
    {
        private readonly Artifact _artifact;
        private int _index;

        internal Enumerator(Artifact artifact) => (_artifact, _index) = (artifact, -1);

        public readonly FileCard Current => new(_artifact, _index);

        public bool MoveNext() => ++_index < _artifact.FileCount;
    }
}

/// <summary>T card: a tag added or cancelled.</summary>
public readonly struct TagCard
{
    private readonly Artifact _artifact;
    private readonly TagSlot _slot;

    internal TagCard(Artifact artifact, TagSlot slot) => (_artifact, _slot) = (artifact, slot);

    public TagAction Action => _artifact.TextOf(_slot.Name)[0] switch
    {
        (byte)'-' => TagAction.Cancel,
        (byte)'+' => TagAction.Single,
        _ => TagAction.Propagating,
    };

    /// <summary>The name without its prefix, e.g. <c>sym-trunk</c>.</summary>
    public ReadOnlySpan<byte> Name => _artifact.TextOf(_slot.Name)[1..];

    /// <summary>True for <c>*</c>: the tag is on the artifact that carries the card.</summary>
    public bool IsSelf => _slot.Target.IsEmpty;

    /// <summary>The artifact tagged; empty for <see cref="IsSelf"/>.</summary>
    public ArtifactId Target => _slot.Target;

    /// <summary>The second argument as written: the same name in upper case is another text.</summary>
    public ReadOnlySpan<byte> TargetText => _artifact.TextOf(_slot.TargetText);

    /// <summary>False when the card has no third argument: stock then stores NULL, not an empty text.</summary>
    public bool HasValue => !_slot.Value.IsAbsent;

    public ReadOnlySpan<byte> Value => _artifact.TextOf(_slot.Value);
}

/// <summary>The T cards of one artifact.</summary>
public readonly struct TagList
{
    private readonly Artifact _artifact;

    internal TagList(Artifact artifact) => _artifact = artifact;

    public int Count => _artifact.TagSlots.Length;

    public TagCard this[int index] => new(_artifact, _artifact.TagSlots[index]);

    public Enumerator GetEnumerator() => new(_artifact);

    public struct Enumerator
    {
        private readonly Artifact _artifact;
        private int _index;

        internal Enumerator(Artifact artifact) => (_artifact, _index) = (artifact, -1);

        public readonly TagCard Current => new(_artifact, _artifact.TagSlots[_index]);

        public bool MoveNext() => ++_index < _artifact.TagSlots.Length;
    }
}

/// <summary>J card: a ticket field set, or (name with <c>+</c>) appended to.</summary>
public readonly struct FieldCard
{
    private readonly Artifact _artifact;
    private readonly FieldSlot _slot;

    internal FieldCard(Artifact artifact, FieldSlot slot) => (_artifact, _slot) = (artifact, slot);

    /// <summary>The name without a leading <c>+</c>.</summary>
    public ReadOnlySpan<byte> Name => FullName[(IsAppend ? 1 : 0)..];

    /// <summary>The name as written; stock does not decode it.</summary>
    public ReadOnlySpan<byte> FullName => _artifact.TextOf(_slot.Name);

    public bool IsAppend => FullName is [(byte)'+', ..];

    public ReadOnlySpan<byte> Value => _artifact.TextOf(_slot.Value);
}

/// <summary>The J cards of one artifact.</summary>
public readonly struct FieldList
{
    private readonly Artifact _artifact;

    internal FieldList(Artifact artifact) => _artifact = artifact;

    public int Count => _artifact.FieldSlots.Length;

    public FieldCard this[int index] => new(_artifact, _artifact.FieldSlots[index]);

    public Enumerator GetEnumerator() => new(_artifact);

    public struct Enumerator
    {
        private readonly Artifact _artifact;
        private int _index;

        internal Enumerator(Artifact artifact) => (_artifact, _index) = (artifact, -1);

        public readonly FieldCard Current => new(_artifact, _artifact.FieldSlots[_index]);

        public bool MoveNext() => ++_index < _artifact.FieldSlots.Length;
    }
}

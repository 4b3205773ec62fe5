using System.Runtime.InteropServices;
using EdgeSync.Primitives;

namespace EdgeSync.Storage.Crosslink;

/// <summary>
/// Numbers file names and content names while a batch is linked, so that file lists hold small integers and comparing
/// two lists rarely touches text. Number 0 is "none". One thread at a time.
/// </summary>
internal sealed class NameTable
{
    private readonly List<byte[]> _names = [[]];
    private readonly Dictionary<byte[], int> _nameNumbers = new(ByteComparer.Instance);
    private readonly List<ArtifactId> _ids = [default];
    private readonly Dictionary<ArtifactId, int> _idNumbers = [];

    private readonly Dictionary<byte[], int>.AlternateLookup<ReadOnlySpan<byte>> _bySpan;

    public NameTable() => _bySpan = _nameNumbers.GetAlternateLookup<ReadOnlySpan<byte>>();

    public int NumberOf(ReadOnlySpan<byte> name)
    {
        if (_bySpan.TryGetValue(name, out var number)) return number;

        var copy = name.ToArray();
        number = _names.Count;
        _names.Add(copy);
        _nameNumbers.Add(copy, number);
        return number;
    }

    public int NumberOf(ArtifactId id)
    {
        if (id.IsEmpty) return 0;
        ref var number = ref CollectionsMarshal.GetValueRefOrAddDefault(_idNumbers, id, out var known);
        if (!known)
        {
            number = _ids.Count;
            _ids.Add(id);
        }

        return number;
    }

    public ReadOnlySpan<byte> Name(int number) => _names[number];

    public ArtifactId Id(int number) => _ids[number];

    /// <summary>Order of F cards: bytes, as memcmp.</summary>
    public int Compare(int left, int right) =>
        left == right ? 0 : _names[left].AsSpan().SequenceCompareTo(_names[right]);

    private sealed class ByteComparer : IEqualityComparer<byte[]>, IAlternateEqualityComparer<ReadOnlySpan<byte>,
        byte[]>
    {
        public static readonly ByteComparer Instance = new();

        public bool Equals(byte[]? x, byte[]? y) => x.AsSpan().SequenceEqual(y);

        public int GetHashCode(byte[] name) => GetHashCode(name.AsSpan());

        public byte[] Create(ReadOnlySpan<byte> alternate) => alternate.ToArray();

        public bool Equals(ReadOnlySpan<byte> alternate, byte[] other) => alternate.SequenceEqual(other);

        public int GetHashCode(ReadOnlySpan<byte> alternate)
        {
            var hash = new HashCode();
            hash.AddBytes(alternate);
            return hash.ToHashCode();
        }
    }
}

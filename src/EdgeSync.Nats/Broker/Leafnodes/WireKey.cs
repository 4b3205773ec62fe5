using System.Diagnostics.CodeAnalysis;

namespace EdgeSync.Nats.Broker.Leafnodes;

/// <summary>
/// Interest is keyed by its text on the wire, <c>subject</c> or <c>subject queue</c>, looked up without allocating an
/// array.
/// </summary>
internal sealed class WireKey : IEqualityComparer<byte[]>, IAlternateEqualityComparer<ReadOnlySpan<byte>, byte[]>
{
    public static WireKey Comparer { get; } = new();

    public bool Equals(byte[]? x, byte[]? y) => x.AsSpan().SequenceEqual(y);

    public int GetHashCode([DisallowNull] byte[] key) => GetHashCode(key.AsSpan());

    public bool Equals(ReadOnlySpan<byte> alternate, byte[] other) => alternate.SequenceEqual(other);

    // Seeded per process by the base library, so that a client cannot aim at one bucket.
    public int GetHashCode(ReadOnlySpan<byte> alternate)
    {
        var hash = new HashCode();
        hash.AddBytes(alternate);
        return hash.ToHashCode();
    }

    public byte[] Create(ReadOnlySpan<byte> alternate) => alternate.ToArray();

    /// <summary>
    /// The key of a subject and, unless it is empty, a queue; in <paramref name="scratch"/> when it fits.
    /// </summary>
    public static ReadOnlySpan<byte> Of(ReadOnlySpan<byte> subject, ReadOnlySpan<byte> queue, Span<byte> scratch)
    {
        if (queue.IsEmpty) return subject;

        var length = subject.Length + 1 + queue.Length;
        var key = length <= scratch.Length ? scratch[..length] : new byte[length];
        subject.CopyTo(key);
        key[subject.Length] = (byte)' ';
        queue.CopyTo(key[(subject.Length + 1)..]);
        return key;
    }

    /// <summary>The subject part of a key.</summary>
    public static ReadOnlySpan<byte> SubjectOf(ReadOnlySpan<byte> key) =>
        key.IndexOf((byte)' ') is var at and >= 0 ? key[..at] : key;

    public static bool HasQueue(ReadOnlySpan<byte> key) => key.Contains((byte)' ');
}

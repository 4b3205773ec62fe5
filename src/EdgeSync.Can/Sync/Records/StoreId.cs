using System.Globalization;
using EdgeSync.Primitives;

namespace EdgeSync.Can.Sync.Records;

/// <summary>
/// A store of a mirror: 64 random bits, drawn when the store is made and kept with it. The endpoint may change, the
/// store stays.
/// </summary>
public readonly record struct StoreId(ulong Value) : IComparable<StoreId>
{
    public static StoreId Generate(Entropy entropy)
    {
        ArgumentNullException.ThrowIfNull(entropy);
        Span<byte> bytes = stackalloc byte[sizeof(ulong)];
        entropy.Fill(bytes);
        return new StoreId(System.Buffers.Binary.BinaryPrimitives.ReadUInt64BigEndian(bytes));
    }

    public int CompareTo(StoreId other) => Value.CompareTo(other.Value);

    public static bool operator <(StoreId left, StoreId right) => left.CompareTo(right) < 0;

    public static bool operator >(StoreId left, StoreId right) => left.CompareTo(right) > 0;

    public static bool operator <=(StoreId left, StoreId right) => left.CompareTo(right) <= 0;

    public static bool operator >=(StoreId left, StoreId right) => left.CompareTo(right) >= 0;

    /// <summary>16 lower-case hex digits.</summary>
    public override string ToString() => Value.ToString("x16", CultureInfo.InvariantCulture);
}

namespace EdgeSync.Can.Sync.Records;

/// <summary>
/// When a field was written, and by which store; of two writes the one with the greater stamp stays.
/// </summary>
/// <param name="Time">Milliseconds since 1970 times 65,536, and a counter in the low 16 bits.</param>
/// <param name="Store">The writer; decides between equal times.</param>
public readonly record struct Stamp(ulong Time, StoreId Store) : IComparable<Stamp>
{
    /// <summary>The end of the year 9999; stamps beyond it are none.</summary>
    public const ulong TimeMax = 253_402_300_799_999UL << 16;

    /// <summary>
    /// Of what an asset brings with it, the same in each store: of no store, so that every write of a store at the same
    /// time or later is greater.
    /// </summary>
    /// <param name="unixMilliseconds">When the asset was created, or its details were changed.</param>
    public static Stamp OfAsset(long unixMilliseconds) => new((ulong)unixMilliseconds << 16, default);

    /// <summary>Milliseconds since 1970.</summary>
    public long UnixMilliseconds => (long)(Time >> 16);

    public int CompareTo(Stamp other)
    {
        var order = Time.CompareTo(other.Time);
        return order == 0 ? Store.CompareTo(other.Store) : order;
    }

    public static bool operator <(Stamp left, Stamp right) => left.CompareTo(right) < 0;

    public static bool operator >(Stamp left, Stamp right) => left.CompareTo(right) > 0;

    public static bool operator <=(Stamp left, Stamp right) => left.CompareTo(right) <= 0;

    public static bool operator >=(Stamp left, Stamp right) => left.CompareTo(right) >= 0;
}

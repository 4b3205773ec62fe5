using System.Globalization;

namespace EdgeSync.Primitives;

/// <summary>
/// A row of the blob table (Fossil's <c>rid</c>). Meaningful inside one repository file only: two clones number the
/// same artifacts differently. Zero means "none".
/// </summary>
public readonly record struct RecordId(long Value) : IComparable<RecordId>
{
    public static RecordId None => default;

    public bool IsNone => Value == 0;

    public int CompareTo(RecordId other) => Value.CompareTo(other.Value);

    public override string ToString() => Value.ToString(CultureInfo.InvariantCulture);

    public static bool operator <(RecordId left, RecordId right) => left.Value < right.Value;

    public static bool operator >(RecordId left, RecordId right) => left.Value > right.Value;

    public static bool operator <=(RecordId left, RecordId right) => left.Value <= right.Value;

    public static bool operator >=(RecordId left, RecordId right) => left.Value >= right.Value;
}

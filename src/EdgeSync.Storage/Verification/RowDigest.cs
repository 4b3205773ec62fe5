using System.Buffers.Binary;
using EdgeSync.Storage.Sqlite;

namespace EdgeSync.Storage.Verification;

/// <summary>
/// The rows of a query as three numbers, whatever their order: how many there are, and two sums over a hash of each.
/// Equal digests mean equal rows; SQLite finds the differences, at five times the cost. Numbers compare by value, since
/// a table that keeps rows may store 1.0 as 1.
/// </summary>
internal readonly record struct RowDigest(long Count, ulong Sum, ulong SumOfSquares)
{
    private const ulong Factor = 0x9E37_79B9_7F4A_7C15;

    public static RowDigest Of(Database database, string sql)
    {
        var (count, sum, squares) = (0L, 0UL, 0UL);
        using var select = database.PrepareOnce(sql);
        var columns = select.ColumnCount;
        while (select.Step())
        {
            var hash = Factor;
            for (var column = 0; column < columns; column++) hash = Add(hash, select, column);
            hash = Mix(hash);
            count++;
            unchecked
            {
                sum += hash;
                squares += hash * hash;
            }
        }

        return new RowDigest(count, sum, squares);
    }

    private static ulong Add(ulong hash, Statement row, int column)
    {
        var type = row.ColumnType(column);
        return type switch
        {
            SqliteType.Null => Add(hash, (ulong)type),
            SqliteType.Integer or SqliteType.Real => Add(hash, BitConverter.DoubleToUInt64Bits(row.Double(column))),
            _ => Add(Add(hash, (ulong)type), row.Bytes(column)),
        };
    }

    private static ulong Add(ulong hash, ReadOnlySpan<byte> bytes)
    {
        hash = Add(hash, (ulong)bytes.Length);
        for (; bytes.Length >= sizeof(ulong); bytes = bytes[sizeof(ulong)..])
            hash = Add(hash, BinaryPrimitives.ReadUInt64LittleEndian(bytes));

        var rest = 0UL;
        foreach (var b in bytes) rest = (rest << 8) | b;
        return Add(hash, rest);
    }

    private static ulong Add(ulong hash, ulong value) => Mix(hash ^ (value * Factor)) + Factor;

    // The finalizer of SplitMix64: each bit of the input moves half of the output's.
    private static ulong Mix(ulong value)
    {
        value = (value ^ (value >> 30)) * 0xBF58_476D_1CE4_E5B9;
        value = (value ^ (value >> 27)) * 0x94D0_49BB_1331_11EB;
        return value ^ (value >> 31);
    }
}

using System.Text;

namespace EdgeSync.Fossil.Xfer;

/// <summary>Our extension: rows of synced tables.</summary>
/// <remarks>
/// <code>
///   schema  TABLE VERSION HASH MTIME SIZE LF JSON LF     what the table looks like
///   xigot   TABLE KEYHASH MTIME                          I have this row
///   xgimme  TABLE KEYHASH                                send it
///   xrow    TABLE KEYHASH MTIME SIZE LF JSON             here it is
///   xdelete TABLE KEYHASH MTIME SIZE LF JSON             it is deleted; JSON holds its key
///   pragma xtable-hash TABLE HASH                        my catalogue of that table
/// </code>
/// </remarks>
internal readonly ref struct SchemaCard
{
    public string Table { get; private init; }

    public int Version { get; private init; }

    public string Hash { get; private init; }

    public long MtimeSeconds { get; private init; }

    public ReadOnlySpan<byte> Json { get; private init; }

    public static bool TryParse(in XferCard card, out SchemaCard schema)
    {
        schema = default;
        if (card.Kind != CardKind.Schema || card.Count != 6) return false;
        if (!TableName.TryParse(card[1], out var table)
            || !XferNumber.TryParse(card[2], out var version)
            || version > int.MaxValue
            || !XferNumber.TryParse(card[4], out var mtime))
            return false;

        schema = new SchemaCard
        {
            Table = table,
            Version = (int)version,
            Hash = Encoding.UTF8.GetString(card[3]),
            MtimeSeconds = mtime,
            Json = card.Payload,
        };
        return true;
    }
}

/// <summary><c>xigot TABLE KEYHASH MTIME</c></summary>
internal readonly record struct XIGotCard(string Table, string KeyHash, long MtimeSeconds)
{
    public static bool TryParse(in XferCard card, out XIGotCard igot)
    {
        igot = default;
        if (card.Kind != CardKind.XIGot || card.Count != 4) return false;
        if (!TableName.TryParse(card[1], out var table)
            || !TableName.TryParseKeyHash(card[2], out var keyHash)
            || !XferNumber.TryParse(card[3], out var mtime))
            return false;

        igot = new XIGotCard(table, keyHash, mtime);
        return true;
    }
}

/// <summary><c>xgimme TABLE KEYHASH</c></summary>
internal readonly record struct XGimmeCard(string Table, string KeyHash)
{
    public static bool TryParse(in XferCard card, out XGimmeCard gimme)
    {
        gimme = default;
        if (card.Kind != CardKind.XGimme || card.Count != 3) return false;
        if (!TableName.TryParse(card[1], out var table) || !TableName.TryParseKeyHash(card[2], out var keyHash))
            return false;

        gimme = new XGimmeCard(table, keyHash);
        return true;
    }
}

/// <summary><c>xrow</c> and <c>xdelete</c>, which differ in their meaning only.</summary>
internal readonly ref struct RowCard
{
    public string Table { get; private init; }

    public string KeyHash { get; private init; }

    public long MtimeSeconds { get; private init; }

    public bool IsDeletion { get; private init; }

    public ReadOnlySpan<byte> Json { get; private init; }

    public static bool TryParse(in XferCard card, out RowCard row)
    {
        row = default;
        if (card.Kind is not (CardKind.XRow or CardKind.XDelete) || card.Count != 5) return false;
        if (!TableName.TryParse(card[1], out var table)
            || !TableName.TryParseKeyHash(card[2], out var keyHash)
            || !XferNumber.TryParse(card[3], out var mtime))
            return false;

        row = new RowCard
        {
            Table = table,
            KeyHash = keyHash,
            MtimeSeconds = mtime,
            IsDeletion = card.Kind == CardKind.XDelete,
            Json = card.Payload,
        };
        return true;
    }
}

/// <summary>Names of synced tables and columns.</summary>
internal static class TableName
{
    public const int LengthMax = 64;

    /// <summary><c>[a-z_][a-z0-9_]*</c>, not starting with <c>x_</c>, not one of the repository's own tables.</summary>
    public static bool IsValid(ReadOnlySpan<byte> name)
    {
        if (!IsIdentifier(name) || name.StartsWith("x_"u8)) return false;

        return !(name.SequenceEqual("blob"u8) || name.SequenceEqual("delta"u8) || name.SequenceEqual("event"u8)
            || name.SequenceEqual("mlink"u8) || name.SequenceEqual("unversioned"u8));
    }

    public static bool IsIdentifier(ReadOnlySpan<byte> name)
    {
        if (name.IsEmpty || name.Length > LengthMax || name[0] is >= (byte)'0' and <= (byte)'9') return false;

        foreach (var b in name)
            if (b is not ((>= (byte)'a' and <= (byte)'z') or (>= (byte)'0' and <= (byte)'9') or (byte)'_'))
                return false;

        return true;
    }

    public static bool TryParse(ReadOnlySpan<byte> token, out string name)
    {
        name = "";
        if (!IsValid(token)) return false;

        name = Encoding.ASCII.GetString(token);
        return true;
    }

    public static bool TryParseKeyHash(ReadOnlySpan<byte> token, out string keyHash)
    {
        keyHash = "";
        if (token.Length != 40 || !Primitives.LowerHex.IsHex(token)) return false;

        keyHash = Encoding.ASCII.GetString(token);
        return true;
    }
}

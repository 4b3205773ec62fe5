using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using EdgeSync.Can.Assets;
using EdgeSync.Can.Sync.Passphrase;
using EdgeSync.Can.Sync.Wire;
using EdgeSync.Primitives;

namespace EdgeSync.Can.Sync.Records;

/// <summary>What a record is about.</summary>
public enum RecordKind : byte
{
    Asset = 0,

    /// <summary>A store of the mirror; its key is derived from its id.</summary>
    Store = 1,
}

/// <summary>
/// What stores agree on about one asset, or about one of themselves. Each field is a register of its own, in which the
/// greater stamp wins. Records are merged in any order and any number of times, with the same outcome.
/// </summary>
/// <remarks>
/// A deletion (<see cref="RecordField.Life"/> is <c>purged</c>) takes all other fields with it, and lists the stores
/// that have it. When the asset is added again, fields written before that stay deleted.
/// </remarks>
public sealed class SyncRecord
{
    /// <summary>The value of <see cref="RecordField.Life"/> for what is deleted for good.</summary>
    public const string Purged = "purged";

    /// <summary>
    /// The value of <see cref="RecordField.Life"/> for what was added again after a deletion: fields that were written
    /// before that are gone.
    /// </summary>
    public const string Again = "again";

    /// <summary>The value of a field that is on.</summary>
    public const string On = "1";

    /// <summary>Bytes of a value in UTF-8, at most.</summary>
    public const int ValueBytesMax = 256 * 1024;

    /// <summary>Bytes of a record at most.</summary>
    public const int BytesMax = 512 * 1024;

    /// <summary>The largest asset that is mirrored, in bytes: 64 GiB.</summary>
    public const long SizeMax = 1L << 36;

    private const int FieldsMax = 64;
    private const int HoldersMax = 1024;
    private const int FieldBytesMin = 18;

    private readonly FieldValue[] _fields;
    private readonly StoreId[] _holders;
    private UInt128? _digest;

    private SyncRecord(
        RecordKind kind, AssetHash key, long timestampMs, long size, FieldValue[] fields, StoreId[] holders) =>
        (Kind, Key, TimestampMs, Size, _fields, _holders) = (kind, key, timestampMs, size, fields, holders);

    public RecordKind Kind { get; }

    /// <summary>The asset, or what stands for the store.</summary>
    public AssetHash Key { get; }

    /// <summary>Unix milliseconds of the asset's creation.</summary>
    public long TimestampMs { get; }

    /// <summary>Bytes of the asset.</summary>
    public long Size { get; }

    /// <summary>In the order of their numbers.</summary>
    public ReadOnlySpan<FieldValue> Fields => _fields;

    /// <summary>The stores that have the deletion, in order; empty for what is not deleted.</summary>
    public ReadOnlySpan<StoreId> Holders => _holders;

    public bool IsPurged => this[RecordField.Life] == Purged;

    public bool IsTrashed => this[RecordField.Trashed] is not null;

    /// <summary>Names the state: equal for equal fields and holders.</summary>
    public UInt128 Digest => _digest ??= DigestOf();

    public string? this[RecordField field] => Find(field)?.Value;

    /// <summary>A record without fields.</summary>
    public static SyncRecord Create(AssetHash key, long timestampMs, long size, RecordKind kind = RecordKind.Asset) =>
        new(kind, key, timestampMs, size, [], []);

    /// <summary>The key of a store's record.</summary>
    public static AssetHash KeyOf(StoreId store)
    {
        Span<byte> bytes = stackalloc byte[sizeof(ulong)];
        BinaryPrimitives.WriteUInt64BigEndian(bytes, store.Value);
        return new AssetHash(SyncHash.Derive("edgesync-can-sync 1 store"u8, bytes));
    }

    /// <summary>The stamp of a field; the smallest one when it was never written.</summary>
    public Stamp StampOf(RecordField field)
    {
        // A field that is written after the asset was added, also again, is later than that.
        var stamp = Find(field)?.Stamp ?? default;
        var life = Find(RecordField.Life)?.Stamp ?? default;
        return stamp < life ? life : stamp;
    }

    /// <summary>The same with one field written.</summary>
    public SyncRecord With(RecordField field, Stamp stamp, string? value)
    {
        var written = new SyncRecord(Kind, Key, TimestampMs, Size, [new FieldValue(field, stamp, value)], []);
        return Merge(this, written);
    }

    /// <summary>The same with a store that has the deletion.</summary>
    public SyncRecord WithHolder(StoreId store) => _holders.AsSpan().BinarySearch(store) >= 0
        ? this : new SyncRecord(Kind, Key, TimestampMs, Size, _fields, [.. _holders.Append(store).Order()]);

    /// <summary>The same with what was proved by the content itself.</summary>
    public SyncRecord WithFacts(long timestampMs, long size) =>
        new(Kind, Key, timestampMs, size, _fields, _holders);

    /// <summary>
    /// Both together; timestamp and size are those of <paramref name="left"/>, since only the content proves them.
    /// </summary>
    public static SyncRecord Merge(SyncRecord left, SyncRecord right)
    {
        ArgumentNullException.ThrowIfNull(left);
        ArgumentNullException.ThrowIfNull(right);
        Invariant.Require(left.Key == right.Key && left.Kind == right.Kind);
        var merged = MergeFields(left._fields, right._fields);
        var isPurged = merged is [{ Field: RecordField.Life, Value: Purged }, ..];
        if (merged is [{ Field: RecordField.Life, Value: not null } life, ..])
            merged.RemoveAll(f => f.Field != RecordField.Life && (isPurged || f.Stamp < life.Stamp));

        return new SyncRecord(
            left.Kind, left.Key, left.TimestampMs, left.Size, [.. merged],
            isPurged ? MergeHolders(merged[0].Stamp, left, right) : []);
    }

    /// <summary>Bytes of the record, as messages and stores have them (docs/formats/can-sync.md).</summary>
    public byte[] ToArray()
    {
        var writer = new WireWriter();
        writer.WriteByte((byte)Kind);
        writer.WriteNumber(TimestampMs);
        writer.WriteNumber(Size);
        WriteState(writer);
        return writer.ToArray();
    }

    /// <summary>False for what no <see cref="ToArray"/> writes.</summary>
    public static bool TryRead(ReadOnlySpan<byte> bytes, [NotNullWhen(true)] out SyncRecord? record)
    {
        record = null;
        var reader = new WireReader(bytes);
        if (bytes.Length > BytesMax || !reader.TryReadByte(out var kind) || kind > (byte)RecordKind.Store
            || !reader.TryReadNumber(out var timestamp) || !reader.TryReadNumber(out var size) || size > SizeMax
            || !reader.TryReadHash(out var key) || !TryReadFields(ref reader, out var fields)
            || !TryReadHolders(ref reader, out var holders) || !reader.IsAtEnd) return false;

        var read = new SyncRecord((RecordKind)kind, key, timestamp, size, fields, holders);
        if (!read.IsWellFormed()) return false;

        record = read;
        return true;
    }

    private bool IsWellFormed()
    {
        if (IsPurged ? _fields.Length != 1 : _holders.Length > 0) return false;
        if (_fields is [{ Field: RecordField.Life, Value: Again } life, ..] && _fields.Any(f => f.Stamp < life.Stamp))
            return false;

        return Kind == RecordKind.Asset
            || (TimestampMs == 0 && Size == 0 && !IsPurged && this[RecordField.Store] is { } text
                && ulong.TryParse(text, System.Globalization.NumberStyles.AllowHexSpecifier, null, out var store)
                && new StoreId(store).ToString() == text && KeyOf(new StoreId(store)) == Key);
    }

    private static bool TryReadFields(ref WireReader reader, out FieldValue[] fields)
    {
        fields = [];
        if (!reader.TryReadCount(FieldBytesMin, out var count) || count > FieldsMax) return false;

        fields = new FieldValue[count];
        for (var i = 0; i < count; i++)
        {
            if (!reader.TryReadByte(out var field) || (i > 0 && field <= (byte)fields[i - 1].Field)
                || !reader.TryReadUInt64(out var time) || time > Stamp.TimeMax || !reader.TryReadUInt64(out var store)
                || !reader.TryReadText(ValueBytesMax, out var value)) return false;

            fields[i] = new FieldValue((RecordField)field, new Stamp(time, new StoreId(store)), value);
        }

        return true;
    }

    private static bool TryReadHolders(ref WireReader reader, out StoreId[] holders)
    {
        holders = [];
        if (!reader.TryReadCount(sizeof(ulong), out var count) || count > HoldersMax) return false;

        holders = new StoreId[count];
        for (var i = 0; i < count; i++)
        {
            if (!reader.TryReadUInt64(out var store) || (i > 0 && store <= holders[i - 1].Value)) return false;
            holders[i] = new StoreId(store);
        }

        return true;
    }

    private static List<FieldValue> MergeFields(FieldValue[] left, FieldValue[] right)
    {
        var merged = new List<FieldValue>(left.Length + right.Length);
        var (i, j) = (0, 0);
        while (i < left.Length && j < right.Length)
        {
            if (left[i].Field < right[j].Field) merged.Add(left[i++]);
            else if (left[i].Field > right[j].Field) merged.Add(right[j++]);
            else merged.Add(Later(left[i++], right[j++]));
        }

        merged.AddRange(left[i..]);
        merged.AddRange(right[j..]);
        return merged;
    }

    // Equal stamps with different values are a broken store's: then the greater value, so that all decide alike.
    private static FieldValue Later(FieldValue one, FieldValue other)
    {
        var order = one.Stamp.CompareTo(other.Stamp);
        if (order == 0) order = string.CompareOrdinal(one.Value, other.Value);
        return order >= 0 ? one : other;
    }

    // Of the same deletion; those of an earlier one know nothing of this.
    private static StoreId[] MergeHolders(Stamp deletion, SyncRecord left, SyncRecord right)
    {
        var (a, b) = (HoldersOf(deletion, left), HoldersOf(deletion, right));
        if (a.Length == 0 || b.Length == 0) return a.Length == 0 ? b : a;

        StoreId[] union = [.. a.Union(b).Order().Take(HoldersMax)];
        return union.Length == a.Length ? a : union;
    }

    private static StoreId[] HoldersOf(Stamp deletion, SyncRecord record) =>
        record.Find(RecordField.Life)?.Stamp == deletion ? record._holders : [];

    private FieldValue? Find(RecordField field)
    {
        foreach (var value in _fields)
        {
            if (value.Field == field) return value;
        }

        return null;
    }

    private void WriteState(WireWriter writer)
    {
        writer.WriteHash(Key);
        writer.WriteNumber(_fields.Length);
        foreach (var field in _fields)
        {
            writer.WriteByte((byte)field.Field);
            writer.WriteUInt64(field.Stamp.Time);
            writer.WriteUInt64(field.Stamp.Store.Value);
            writer.WriteText(field.Value);
        }

        writer.WriteNumber(_holders.Length);
        foreach (var holder in _holders) writer.WriteUInt64(holder.Value);
    }

    // Without timestamp and size: a peer that tells wrong ones would make two stores differ for ever.
    private UInt128 DigestOf()
    {
        var writer = new WireWriter();
        WriteState(writer);
        return BinaryPrimitives.ReadUInt128BigEndian(SyncHash.Compute(writer.ToArray()));
    }
}

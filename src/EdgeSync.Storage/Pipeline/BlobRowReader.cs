using EdgeSync.Fossil.Blobs;
using EdgeSync.Primitives;
using EdgeSync.Storage.Sqlite;

namespace EdgeSync.Storage.Pipeline;

/// <summary>
/// Reads stored rows for one worker, through a connection that this worker alone uses, and inflates them.
/// </summary>
internal sealed class BlobRowReader(Database database, bool ownsDatabase, int textBytesMax) : IDisposable
{
    // Deflate gains at most a factor of 1032, so a greater announced size is false; it is rejected without cost.
    private const int InflateFactorMax = 1040;
    private const int InflateSlack = 64;

    private readonly Inflater _inflater = new();
    private readonly ScratchRoom _scratch = new();

    /// <summary>The delta read last.</summary>
    public ReadOnlySpan<byte> Delta => _scratch.Filled;

    /// <summary>Reads name and delta; the latter into <see cref="Delta"/>.</summary>
    public bool TryReadDelta(WalkedBlob blob) => TryRead(blob, _scratch);

    /// <summary>
    /// Reads name and payload of the record; the payload (a text, or a delta) goes into <paramref name="room"/>. False:
    /// <paramref name="blob"/> holds the reason.
    /// </summary>
    public bool TryRead(WalkedBlob blob, IPayloadRoom room)
    {
        using var select = database.Prepare("SELECT uuid, content FROM blob WHERE rid=?1");
        try
        {
            if (!select.Bind(1, blob.Rid).Step())
            {
                blob.Fail(BlobDamage.RowUnreadable, blob.Rid, "its row is in the index, but cannot be found");
                return false;
            }
        }
        catch (SqliteException e) when (e.Kind == ErrorKind.Corrupt)
        {
            blob.Fail(BlobDamage.RowUnreadable, blob.Rid, "its row cannot be read: the database is damaged");
            return false;
        }

        blob.Id = select.Artifact(0);
        if (select.IsNull(1))
        {
            blob.Fail(BlobDamage.ContentMissing, blob.Rid, "its row has no content, but it is not a phantom");
            return false;
        }

        return TryInflate(blob, select.Bytes(1), room);
    }

    /// <summary>Reads only the name, for a record whose payload is of no use.</summary>
    public void ReadName(WalkedBlob blob)
    {
        using var select = database.Prepare("SELECT uuid FROM blob WHERE rid=?1");
        try
        {
            if (select.Bind(1, blob.Rid).Step()) blob.Id = select.Artifact(0);
        }
        catch (SqliteException e) when (e.Kind == ErrorKind.Corrupt)
        {
            blob.Id = default;
        }
    }

    public void Dispose()
    {
        _inflater.Dispose();
        if (ownsDatabase) database.Dispose();
    }

    private bool TryInflate(WalkedBlob blob, ReadOnlySpan<byte> stored, IPayloadRoom room)
    {
        if (!BlobCodec.TryReadSize(stored, out var size)
            || size > ((long)stored.Length * InflateFactorMax) + InflateSlack)
        {
            blob.Fail(BlobDamage.NotInflatable, blob.Rid, "its stored bytes announce a size that they cannot have");
            return false;
        }

        if (size > textBytesMax)
        {
            blob.Fail(
                BlobDamage.OverLimit, blob.Rid,
                $"its stored bytes announce {size} bytes; at most {textBytesMax} are read");
            return false;
        }

        if (BlobCodec.TryDecode(_inflater, stored, room.Take(size), out var written, out var fault))
        {
            room.Keep(written);
            return true;
        }

        room.Keep(0);
        blob.Fail(BlobDamage.NotInflatable, blob.Rid, fault switch
        {
            BlobFault.Truncated => "its stored bytes are cut off",
            BlobFault.LongerThanAnnounced => "its stored bytes inflate to more than they announce",
            _ => "its stored bytes do not inflate",
        });
        return false;
    }
}

/// <summary>Memory for one delta at a time, used again unless it was large.</summary>
internal sealed class ScratchRoom : IPayloadRoom
{
    private const int KeptBytesMax = 1 << 20;

    private byte[] _bytes = new byte[16 * 1024];
    private int _length;

    public ReadOnlySpan<byte> Filled => _bytes.AsSpan(0, _length);

    public Span<byte> Take(int size)
    {
        var isTooSmall = size > _bytes.Length;
        var isTooLarge = _bytes.Length > KeptBytesMax && size <= KeptBytesMax;
        if (isTooSmall || isTooLarge)
        {
            _bytes = GC.AllocateUninitializedArray<byte>(
                (int)Math.Min(Math.Max(size, 16L * 1024) * 5 / 4, Array.MaxLength));
        }

        return _bytes.AsSpan(0, size);
    }

    public void Keep(int size) => _length = size;
}

/// <summary>The target of an inflated payload.</summary>
internal interface IPayloadRoom
{
    Span<byte> Take(int size);

    /// <summary>How much of the taken memory is used.</summary>
    void Keep(int size);
}

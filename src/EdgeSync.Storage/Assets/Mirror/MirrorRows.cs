using System.Diagnostics.CodeAnalysis;
using EdgeSync.Can.Assets;
using EdgeSync.Can.Sync.Records;
using EdgeSync.Can.Sync.Transfer;
using EdgeSync.Primitives;
using EdgeSync.Storage.Sqlite;

namespace EdgeSync.Storage.Assets.Mirror;

/// <summary>What stands for a store in its mirror.</summary>
/// <param name="Id">Drawn when the tables were made.</param>
/// <param name="Handled">The last change of the store that the mirror knows of.</param>
/// <param name="ForgottenTime">See <see cref="ISyncStore.ForgottenTime"/>.</param>
internal readonly record struct MirrorState(StoreId Id, long Handled, ulong ForgottenTime);

/// <summary>The tables of a mirror in <c>.can.db</c>, over one connection (docs/formats/can.md).</summary>
internal sealed class MirrorRows(Database database)
{
    private const string Tables =
        """
        CREATE TABLE IF NOT EXISTS mirror_records (
          key BLOB PRIMARY KEY,
          record BLOB NOT NULL
        );
        CREATE TABLE IF NOT EXISTS mirror_trees (
          hash BLOB PRIMARY KEY,
          size INTEGER NOT NULL,
          leaves BLOB NOT NULL
        );
        CREATE TABLE IF NOT EXISTS mirror_deletions (
          hash BLOB PRIMARY KEY,
          timestamp INTEGER NOT NULL,
          deleted_at INTEGER NOT NULL
        );
        CREATE TABLE IF NOT EXISTS mirror_state (name TEXT PRIMARY KEY, value INTEGER NOT NULL);
        """;

    private const string IdName = "store";
    private const string HandledName = "handled";
    private const string ForgottenName = "forgotten";

    /// <summary>Makes what is absent, and reads the state. Within a transaction of the caller.</summary>
    public static MirrorState Open(Database database, Entropy entropy)
    {
        database.Execute(Tables);
        var rows = new MirrorRows(database);
        if (rows.StateOf(IdName) is not { } id)
        {
            id = unchecked((long)StoreId.Generate(entropy).Value);
            rows.SetState(IdName, id);
        }

        return new MirrorState(
            new StoreId(unchecked((ulong)id)), rows.StateOf(HandledName) ?? 0,
            unchecked((ulong)(rows.StateOf(ForgottenName) ?? 0)));
    }

    public IEnumerable<SyncRecord> All()
    {
        using var select = database.Prepare("SELECT record FROM mirror_records");
        while (select.Step())
        {
            if (SyncRecord.TryRead(select.Bytes(0), out var record)) yield return record;
        }
    }

    public SyncRecord? Find(AssetHash key)
    {
        using var select = database.Prepare("SELECT record FROM mirror_records WHERE key=?1");
        return BindHash(select, 1, key).Step() && SyncRecord.TryRead(select.Bytes(0), out var record) ? record : null;
    }

    public void Put(SyncRecord record)
    {
        using var replace = database.Prepare("REPLACE INTO mirror_records(key,record) VALUES(?1,?2)");
        BindHash(replace, 1, record.Key).BindBlob(2, record.ToArray()).Run();
    }

    public void Remove(AssetHash key)
    {
        using var delete = database.Prepare("DELETE FROM mirror_records WHERE key=?1");
        BindHash(delete, 1, key).Run();
    }

    public bool TryGetTree(AssetHash hash, [NotNullWhen(true)] out ContentTree? tree)
    {
        tree = null;
        using var select = database.Prepare("SELECT size, leaves FROM mirror_trees WHERE hash=?1");
        return BindHash(select, 1, hash).Step() && ContentTree.TryCreate(select.Int64(0), select.Bytes(1), out tree);
    }

    public bool HasTree(AssetHash hash)
    {
        using var select = database.Prepare("SELECT 1 FROM mirror_trees WHERE hash=?1");
        return BindHash(select, 1, hash).Step();
    }

    public void PutTree(AssetHash hash, ContentTree tree)
    {
        using var replace = database.Prepare("REPLACE INTO mirror_trees(hash,size,leaves) VALUES(?1,?2,?3)");
        BindHash(replace, 1, hash).Bind(2, tree.Size).BindBlob(3, tree.Leaves.Span).Run();
    }

    public void RemoveTree(AssetHash hash)
    {
        using var delete = database.Prepare("DELETE FROM mirror_trees WHERE hash=?1");
        BindHash(delete, 1, hash).Run();
    }

    /// <summary>Deletions that were forgotten and are kept; see <see cref="ISyncStore.ForgottenDeletions"/>.</summary>
    public IEnumerable<ForgottenDeletion> Deletions()
    {
        using var select = database.Prepare("SELECT hash, timestamp, deleted_at FROM mirror_deletions");
        while (select.Step())
        {
            if (select.Bytes(0) is { Length: AssetHash.Size } hash)
                yield return new ForgottenDeletion(new AssetHash(hash), select.Int64(1), select.Int64(2));
        }
    }

    public void PutDeletion(ForgottenDeletion deletion)
    {
        using var replace = database.Prepare(
            "REPLACE INTO mirror_deletions(hash,timestamp,deleted_at) VALUES(?1,?2,?3)");
        BindHash(replace, 1, deletion.Hash).Bind(2, deletion.TimestampMs).Bind(3, deletion.DeletedAtMs).Run();
    }

    public void RemoveDeletion(AssetHash hash)
    {
        using var delete = database.Prepare("DELETE FROM mirror_deletions WHERE hash=?1");
        BindHash(delete, 1, hash).Run();
    }

    /// <summary>What was counted of deletions; the default when nothing was.</summary>
    public DeletionCount DeletionCountOf(bool ofPeers)
    {
        var name = NameOf(ofPeers);
        return new DeletionCount(
            (int)Math.Clamp(StateOf(name + ".count") ?? 0, 0, int.MaxValue),
            Instant.FromUnixMilliseconds(StateOf(name + ".newest") ?? 0), StateOf(name + ".tripped") is 1);
    }

    public void SetDeletionCount(bool ofPeers, DeletionCount count)
    {
        var name = NameOf(ofPeers);
        SetState(name + ".count", count.Count);
        SetState(name + ".newest", count.Newest.UnixMilliseconds);
        SetState(name + ".tripped", count.IsTripped ? 1 : 0);
    }

    public void SetHandled(long number) => SetState(HandledName, number);

    public void SetForgotten(ulong time) => SetState(ForgottenName, unchecked((long)time));

    private static string NameOf(bool ofPeers) => ofPeers ? "deletions.peers" : "deletions.own";

    private long? StateOf(string name)
    {
        using var select = database.Prepare("SELECT value FROM mirror_state WHERE name=?1");
        return select.BindText(1, name).Step() ? select.Int64(0) : null;
    }

    private void SetState(string name, long value)
    {
        using var replace = database.Prepare("REPLACE INTO mirror_state(name,value) VALUES(?1,?2)");
        replace.BindText(1, name).Bind(2, value).Run();
    }

    private static Statement BindHash(Statement statement, int index, AssetHash hash)
    {
        Span<byte> bytes = stackalloc byte[AssetHash.Size];
        hash.CopyTo(bytes);
        return statement.BindBlob(index, bytes);
    }
}

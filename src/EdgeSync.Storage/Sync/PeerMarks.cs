using EdgeSync.Fossil.Sync;
using EdgeSync.Primitives;
using EdgeSync.Storage.Sqlite;

namespace EdgeSync.Storage.Sync;

/// <summary>
/// The push mark of each peer (<see cref="PeerMark"/>). A table of ours, part of the file, so that a restored copy has
/// the marks of its own time; records never change their number.
/// </summary>
internal sealed class PeerMarks(Database database)
{
    private bool Exists => database.HasTable("fx_peer_mark");

    public PeerMark? Find(string peer)
    {
        if (!Exists) return null;

        using var select = database.Prepare("SELECT through, comparedAt FROM fx_peer_mark WHERE peer=?1");
        return select.BindText(1, peer).Step()
            ? new PeerMark(select.Record(0), Instant.FromUnixSeconds(select.Int64(1)))
            : null;
    }

    public void Set(string peer, PeerMark mark)
    {
        if (!Exists)
            database.Execute(
                "CREATE TABLE fx_peer_mark(peer TEXT PRIMARY KEY, through INTEGER, comparedAt INTEGER) WITHOUT ROWID");

        using var replace = database.Prepare("REPLACE INTO fx_peer_mark(peer,through,comparedAt) VALUES(?1,?2,?3)");
        replace.BindText(1, peer).Bind(2, mark.Through).Bind(3, mark.ComparedAt.UnixSeconds).Run();
    }

    /// <summary>Records were removed, so their numbers may be reused.</summary>
    public void Clear()
    {
        if (Exists) database.Execute("DELETE FROM fx_peer_mark");
    }
}

using EdgeSync.Fossil.Sync.Store;
using EdgeSync.Fossil.Xfer;
using EdgeSync.Primitives;

namespace EdgeSync.Fossil.Sync.Server;

/// <summary>One reply to <c>clone V SEQNO</c>: artifacts in rid order, in the form of that version.</summary>
internal static class CloneBatch
{
    private const int RowsAtOnce = 256;

    /// <summary>
    /// Writes artifacts from SEQNO on until the reply has <paramref name="replyBytesMax"/> bytes. Returns the next
    /// SEQNO, 0 at the end. Artifacts added after the present end wait for a later pull.
    /// </summary>
    public static (long Next, int Sent) Write(
        IArtifactStore store,
        XferWriter writer,
        in CloneCard clone,
        PeerVersion peer,
        bool withPrivate,
        long replyBytesMax)
    {
        var first = new RecordId(clone.Seqno - 1);
        return clone.Version >= 3
            ? WriteStored(store, writer, first, peer, withPrivate, replyBytesMax)
            : WriteFiles(store, writer, first, peer, withPrivate, replyBytesMax);
    }

    private static (long Next, int Sent) WriteStored(
        IArtifactStore store, XferWriter writer, RecordId first, PeerVersion peer, bool withPrivate, long replyBytesMax)
    {
        var next = 0L;
        var sent = 0;
        store.VisitStored(first, withPrivate, Write);
        return (next, sent);

        bool Write(RecordId rid, in StoredArtifact stored)
        {
            if (writer.BytesWritten >= replyBytesMax && sent > 0)
            {
                next = rid.Value;
                return false;
            }

            if (IsRefused(stored.Id, peer, writer)) return false;

            writer.CFile(stored.Id, stored.Source, stored.ExpandedSize, stored.IsPrivate, stored.Bytes);
            sent++;
            return true;
        }
    }

    private static (long Next, int Sent) WriteFiles(
        IArtifactStore store, XferWriter writer, RecordId first, PeerVersion peer, bool withPrivate, long replyBytesMax)
    {
        using var publics = Rows(store, ArtifactList.Public, first).GetEnumerator();
        using var privates = (withPrivate ? Rows(store, ArtifactList.Private, first) : []).GetEnumerator();
        var hasPublic = publics.MoveNext();
        var hasPrivate = privates.MoveNext();
        var sent = 0;
        while (hasPublic || hasPrivate)
        {
            var takePublic = hasPublic && (!hasPrivate || publics.Current.Rid < privates.Current.Rid);
            var (rid, id) = takePublic ? publics.Current : privates.Current;
            if (writer.BytesWritten >= replyBytesMax && sent > 0) return (rid.Value, sent);
            if (IsRefused(id, peer, writer)) return (0, sent);

            if (SendFile(store, writer, rid)) sent++;
            if (takePublic) hasPublic = publics.MoveNext();
            else hasPrivate = privates.MoveNext();
        }

        return (0, sent);
    }

    private static bool IsRefused(ArtifactId id, PeerVersion peer, XferWriter writer)
    {
        if (id.Kind != HashKind.Sha3 || peer.KnowsSha3) return false;

        writer.Error("Fossil version 2.0 or later required.");
        return true;
    }

    // Bounded by the present end, so that a clone of a growing repository completes.
    private static IEnumerable<ArtifactListing> Rows(IArtifactStore store, ArtifactList list, RecordId after)
    {
        var rows = new ArtifactListing[RowsAtOnce];
        var last = store.MaxRecordId;
        while (true)
        {
            var count = store.List(list, after, rows);
            for (var i = 0; i < count && rows[i].Rid <= last; i++) yield return rows[i];
            if (count < rows.Length) yield break;

            after = rows[count - 1].Rid;
        }
    }

    private static bool SendFile(IArtifactStore store, XferWriter writer, RecordId rid)
    {
        if (store.TryReadDelta(rid, out var delta))
        {
            writer.File(delta.Id, delta.Source, delta.IsPrivate, delta.Bytes);
            return true;
        }

        if (!store.TryReadText(rid, out var text)) return false;

        writer.File(text.Id, default, text.IsPrivate, text.Bytes);
        return true;
    }
}

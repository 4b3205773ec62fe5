using System.Buffers;
using EdgeSync.Can.Assets;
using EdgeSync.Can.Sync.Peers;
using EdgeSync.Can.Sync.Records;
using EdgeSync.Can.Sync.Transfer;
using EdgeSync.Can.Wire;
using EdgeSync.Primitives;

namespace EdgeSync.Can.Sync.Compat;

/// <summary>
/// What goes to peers of the original's protocol: hash sets, assets and details as their records have them. Contents
/// are read in groups as the connection takes them.
/// </summary>
internal sealed class CompatSender(ISyncStore store, ContentExchange content, Queue<SyncEffect> effects)
{
    private const int PieceBytes = 64 * 1024;

    /// <summary>Bytes that the connection has not taken, before no more are made.</summary>
    private const int OutstandingMax = 4 * ContentTree.GroupBytes;

    private readonly Dictionary<long, (CompatSession Session, int Lane)> _reads = [];
    private long _token;

    /// <summary>What the peer is told of an asset; null: it is not here, or is none.</summary>
    public CompatDigest? DigestOf(AssetHash key) => store.TryGetRecord(key, out var record) ? DigestOf(record)
        : store.TryGetForgotten(key, out var forgotten) ? DigestOf(forgotten) : null;

    public CompatDigest? DigestOf(SyncRecord record)
    {
        if (record.Kind != RecordKind.Asset || (!record.IsPurged && !store.HasContent(record.Key))) return null;

        var isTrashed = record.IsTrashed || record.IsPurged;
        var details = RecordDetails.Of(record);
        return new CompatDigest(
            record.Key, record.TimestampMs, record.Size, UpdatedMsOf(record), isTrashed, record.IsPurged,
            CompatDigest.DetailsOf(details.Description, details.Tags, isTrashed));
    }

    public static CompatDigest DigestOf(ForgottenDeletion deletion) => new(
        deletion.Hash, deletion.TimestampMs, 0, deletion.DeletedAtMs, IsTrashed: true, IsDeleted: true);

    /// <summary>When the details were changed last, Unix milliseconds.</summary>
    public static long UpdatedMsOf(SyncRecord record) =>
        Math.Max(record.TimestampMs, RecordDetails.LatestMsOf(record));

    /// <summary>Begins the first stream; false: the set does not fit a frame.</summary>
    public static bool TrySendHashSet(CompatSession session, IReadOnlyList<CompatDigest> own)
    {
        var payload = new ArrayBufferWriter<byte>((own.Count * 96) + 16);
        foreach (var digest in own)
        {
            new AssetDigest(
                digest.Hash, digest.TimestampMs, digest.Size, digest.IsTrashed, digest.MetaUpdatedAtMs)
                .WriteTo(payload);
            if (payload.WrittenCount > CompatFrames.PayloadBytesMax) return false;
        }

        var outgoing = new CompatOutgoing();
        outgoing.Pieces.Enqueue(CompatFrames.Begin(CompatFrame.HashSet, payload.WrittenCount, []));
        for (var at = 0; at < payload.WrittenCount; at += PieceBytes)
            outgoing.Pieces.Enqueue(
                payload.WrittenMemory.Slice(at, Math.Min(PieceBytes, payload.WrittenCount - at)));
        session.Outgoing.Add(0, outgoing);
        return true;
    }

    /// <summary>Sends what the connection takes.</summary>
    public void Pump(Instant now, CompatSession session)
    {
        foreach (var (lane, outgoing) in session.Outgoing.ToList()) Pump(now, session, lane, outgoing);
    }

    /// <summary>A group was read for a peer; false: it was for none of these.</summary>
    public bool OnGroupRead(Instant now, long token, ReadOnlyMemory<byte>? bytes)
    {
        if (!_reads.Remove(token, out var at)) return token < 0;
        if (at.Session.IsClosing || !at.Session.Outgoing.TryGetValue(at.Lane, out var outgoing)
            || outgoing.Current is not { } current) return true;

        current.IsReading = false;
        if (bytes is { } read)
        {
            content.Take(now, read.Length);
            current.Offset += read.Length;
            Send(at.Session, at.Lane, outgoing, read.ToArray());
            return true;
        }

        // The content is gone or damaged, in the middle of its frame.
        effects.Enqueue(new SyncEffect.Verify(current.Hash));
        at.Session.Exchange.OnNotSent(current.Hash);
        at.Session.Outgoing.Remove(at.Lane);
        effects.Enqueue(new SyncEffect.EndLane(at.Session.Id, at.Lane, IsAbort: true));
        if (at.Lane == 0)
        {
            at.Session.IsClosing = true;
            effects.Enqueue(new SyncEffect.Close(at.Session.Id, SyncClose.Done, "content went while it was sent"));
        }
        else
        {
            foreach (var send in outgoing.Sends)
            {
                if (send is CompatSend.Bundle) at.Session.Exchange.OnNotSent(send.Hash);
                at.Session.Changed.Add(send.Hash);
            }
        }

        return true;
    }

    private void Pump(Instant now, CompatSession session, int lane, CompatOutgoing outgoing)
    {
        while (outgoing.Outstanding < OutstandingMax)
        {
            if (outgoing.Pieces.TryDequeue(out var piece)) Send(session, lane, outgoing, piece);
            else if (outgoing.Current is { } current)
            {
                if (current.Offset == current.Size)
                {
                    outgoing.Current = null;
                    Send(session, lane, outgoing, current.Tail);
                }
                else
                {
                    Read(now, session, lane, current);
                    return;
                }
            }
            else if (outgoing.Sends.TryDequeue(out var send)) Begin(session, lane, outgoing, send);
            else
            {
                if (outgoing.IsEnded) End(session, lane, outgoing);
                return;
            }
        }
    }

    private void Begin(CompatSession session, int lane, CompatOutgoing outgoing, CompatSend send)
    {
        store.TryGetRecord(send.Hash, out var record);
        if (send is CompatSend.Meta meta)
        {
            if (DigestOf(send.Hash) is { } digest)
                Send(session, lane, outgoing, MetaOf(digest, record, Math.Max(meta.AtMs, digest.MetaUpdatedAtMs)));
            return;
        }

        // Deleted or lost meanwhile; if it comes again, that is a change.
        if (record is null or { IsPurged: true } || !store.HasContent(send.Hash))
        {
            session.Exchange.OnNotSent(send.Hash);
            return;
        }

        var (head, tail) = new AssetBundle
        {
            Hash = record.Key,
            TimestampMs = record.TimestampMs,
            Details = RecordDetails.Of(record),
            IsTrashed = record.IsTrashed,
            Size = record.Size,
            MetaUpdatedAtMs = UpdatedMsOf(record),
        }.Fields();
        outgoing.Current = new CompatContent(record.Key, record.Size, tail);
        Send(
            session, lane, outgoing,
            CompatFrames.Begin(CompatFrame.AssetBundle, head.Length + record.Size + tail.Length, head));
    }

    private static byte[] MetaOf(CompatDigest digest, SyncRecord? record, long atMs)
    {
        var details = record is { IsPurged: false } ? RecordDetails.Of(record) : new AssetDetails();
        var payload = new ArrayBufferWriter<byte>(256);
        new MetaUpdate(digest.Hash, details.Description, details.Tags, digest.IsTrashed, atMs)
            .WriteTo(payload);
        return CompatFrames.Write(CompatFrame.MetaUpdate, payload.WrittenSpan);
    }

    private void Read(Instant now, CompatSession session, int lane, CompatContent current)
    {
        if (current.IsReading || !content.MayPass(now)) return;

        current.IsReading = true;
        _reads.Add(--_token, (session, lane));
        effects.Enqueue(new SyncEffect.ReadGroup(
            _token, current.Hash, current.Offset,
            (int)Math.Min(ContentTree.GroupBytes, current.Size - current.Offset)));
    }

    private void End(CompatSession session, int lane, CompatOutgoing outgoing)
    {
        Send(session, lane, outgoing, CompatFrames.Write(CompatFrame.Done, []));
        session.Outgoing.Remove(lane);
        effects.Enqueue(new SyncEffect.EndLane(session.Id, lane, IsAbort: false));
    }

    private void Send(CompatSession session, int lane, CompatOutgoing outgoing, ReadOnlyMemory<byte> bytes)
    {
        if (bytes.IsEmpty) return;

        outgoing.Outstanding += bytes.Length;
        effects.Enqueue(new SyncEffect.Send(session.Id, lane, bytes));
    }
}

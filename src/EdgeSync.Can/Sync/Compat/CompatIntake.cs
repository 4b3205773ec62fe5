using System.Buffers;
using EdgeSync.Can.Assets;
using EdgeSync.Can.Sync.Peers;
using EdgeSync.Can.Sync.Records;
using EdgeSync.Can.Wire;

namespace EdgeSync.Can.Sync.Compat;

/// <summary>
/// What comes of peers of the original's protocol. An asset becomes part of the mirror when all of it has come and is
/// what its hash says; details are edits with the time that the peer tells. What was deleted for good stays so.
/// </summary>
internal sealed class CompatIntake(
    ISyncStore store, Replica replica, ContentExchange content, RecordIntake records, SyncOptions options,
    IReadOnlyCollection<PeerSession> sessions, Queue<SyncEffect> effects)
{
    /// <summary>Contents of one connection that are not what their hash says, before it is closed.</summary>
    public const int MismatchesMax = 3;

    /// <summary>Bytes of no use that cost as much as a message of no use.</summary>
    public const int BytesPerCost = 64 * 1024;

    private readonly Dictionary<long, CompatArrival> _writes = [];
    private readonly Dictionary<AssetHash, CompatArrival> _commits = [];
    private long _arrivals;
    private long _token;

    /// <summary>A piece of an asset's content.</summary>
    public void Append(CompatSession session, CompatIncoming incoming, ReadOnlySpan<byte> piece)
    {
        var arrival = incoming.Arrival ??= NewArrival(session, incoming.Reader.EarlyTimestampMs ?? 0);
        if (arrival.IsRefused) return;

        var bytes = ArrayPool<byte>.Shared.Rent(piece.Length);
        piece.CopyTo(bytes);
        _writes.Add(--_token, arrival);
        arrival.Pending++;
        effects.Enqueue(new SyncEffect.WriteArrival(
            _token, arrival.Number, arrival.Size, bytes.AsMemory(0, piece.Length)));
        arrival.Append(piece);
    }

    /// <summary>The asset is whole.</summary>
    public void End(CompatSession session, CompatIncoming incoming)
    {
        var bundle = incoming.Reader.Bundle;
        var arrival = incoming.Arrival ?? NewArrival(session, bundle.TimestampMs);
        incoming.Arrival = null;
        session.Exchange.OnReceived(
            bundle.Hash, bundle.MetaUpdatedAtMs, bundle.IsTrashed,
            CompatDigest.DetailsOf(bundle.Details.Description, bundle.Details.Tags, bundle.IsTrashed));
        if (arrival.IsRefused)
        {
            Drop(arrival);
            return;
        }

        if (arrival.TimestampMs != bundle.TimestampMs || arrival.Finish() != bundle.Hash)
        {
            session.Mismatches++;
            effects.Enqueue(new SyncEffect.Report("can.identity_mismatch", bundle.Hash.ToString()));
            Drop(arrival);
        }
        else if (!IsWanted(bundle.Hash))
        {
            session.Charge(1 + (arrival.Size / BytesPerCost));
            // It may have been deleted here, which the peer must be told.
            session.Changed.Add(bundle.Hash);
            Drop(arrival);
        }
        else
        {
            session.Charge(-1);
            session.Commits++;
            arrival.Bundle = bundle;
            if (arrival.Pending == 0) Commit(arrival);
        }
    }

    /// <summary>Changed tags, description or trash state.</summary>
    public void Apply(Moment at, CompatSession session, MetaUpdate meta)
    {
        session.Charge(1);
        if (!AssetFileName.IsTimestamp(meta.MetaUpdatedAtMs)) return;

        session.Exchange.OnReceived(
            meta.Hash, meta.MetaUpdatedAtMs, meta.IsTrashed,
            CompatDigest.DetailsOf(meta.Description, TagList.Normalize(meta.Tags), meta.IsTrashed));
        if (!replica.TryGet(meta.Hash, out var own) || own.Kind != RecordKind.Asset || own.IsPurged)
        {
            // Deleted here: said again, now that it is known to be there.
            session.Changed.Add(meta.Hash);
            return;
        }

        if (meta.MetaUpdatedAtMs <= CompatSender.UpdatedMsOf(own)) return;

        var details = RecordDetails.Of(own) with
        {
            Description = meta.Description,
            Tags = TagList.Normalize(meta.Tags),
        };
        if (details.Fault() is not null) return;

        session.Charge(-2);
        var incoming = replica.Revised(own, meta.MetaUpdatedAtMs, RecordDetails.Changes(own, details, meta.IsTrashed));
        if (replica.Preview(incoming) is { } merged && !records.IsHeld(at, merged, incoming))
            records.Accept(at, merged, null);
    }

    /// <summary>A piece was written, or the disk refused; false: it was of none of these.</summary>
    public bool OnWritten(long token, bool isWritten)
    {
        if (!_writes.Remove(token, out var arrival)) return token < 0;

        arrival.Pending--;
        if (!isWritten && !arrival.IsRefused)
        {
            arrival.IsRefused = arrival.Session.HasRefused = true;
            effects.Enqueue(new SyncEffect.Report(
                "can.write_failed", arrival.Bundle?.Hash.ToString() ?? "an asset of the original's protocol"));
        }

        if (arrival.Bundle is null || arrival.Pending > 0) return true;

        if (arrival.IsRefused)
        {
            arrival.Session.Commits--;
            Drop(arrival);
        }
        else Commit(arrival);
        return true;
    }

    /// <summary>The end of a commit; false: it was of none of these.</summary>
    public bool OnCommitted(AssetHash hash, CommitOutcome outcome)
    {
        if (!_commits.Remove(hash, out var arrival)) return false;

        arrival.Session.Commits--;
        arrival.Dispose();
        content.Unclaim(hash);
        if (outcome == CommitOutcome.Stored)
        {
            content.OnStored(hash, null, sessions);
            replica.Prove(hash, arrival.TimestampMs, arrival.Size);
        }
        else if (content.IsWanted(hash))
        {
            // Otherwise it was deleted meanwhile.
            arrival.Session.Changed.Add(hash);
            effects.Enqueue(new SyncEffect.Report(
                outcome == CommitOutcome.Mismatch ? "can.identity_mismatch" : "can.write_failed", hash.ToString()));
        }

        return true;
    }

    /// <summary>Drops what has come of an asset whose rest does not come.</summary>
    public void Drop(CompatIncoming incoming)
    {
        if (incoming.Arrival is { } arrival) Drop(arrival);
        incoming.Arrival = null;
    }

    private CompatArrival NewArrival(CompatSession session, long timestampMs) =>
        new(++_arrivals, session, timestampMs);

    private void Drop(CompatArrival arrival)
    {
        arrival.Dispose();
        if (arrival.Size > 0) effects.Enqueue(new SyncEffect.DropArrival(arrival.Number));
    }

    // Not what is here, on its way from another store, or deleted.
    private bool IsWanted(AssetHash hash)
    {
        if (_commits.ContainsKey(hash) || store.HasContent(hash) || store.TryGetForgotten(hash, out _)) return false;

        return store.TryGetRecord(hash, out var record)
            ? record is { Kind: RecordKind.Asset, IsPurged: false } && !content.IsFetching(hash)
            : content.Missing < options.MissingMax;
    }

    private void Commit(CompatArrival arrival)
    {
        var bundle = arrival.Bundle!;
        // It may have come otherwise, or have been deleted, while it was written.
        if (!IsWanted(bundle.Hash))
        {
            arrival.Session.Commits--;
            Drop(arrival);
            return;
        }

        if (!replica.TryGet(bundle.Hash, out _))
        {
            var details = bundle.Details.Fault() is null ? bundle.Details : new AssetDetails();
            replica.AddForeign(
                bundle.Hash, bundle.TimestampMs, arrival.Size, bundle.MetaUpdatedAtMs,
                RecordDetails.FieldsOf(details, bundle.IsTrashed));
            records.OnChanged(bundle.Hash, null);
        }

        content.Want(bundle.Hash, arrival.Size, bundle.TimestampMs);
        content.Claim(bundle.Hash);
        _commits.Add(bundle.Hash, arrival);
        effects.Enqueue(new SyncEffect.CommitArrival(
            arrival.Number, bundle.Hash, bundle.TimestampMs, arrival.Tree!));
    }
}

using System.Buffers;
using EdgeSync.Can.Assets;
using EdgeSync.Can.Sync.Compat;
using EdgeSync.Can.Sync.Records;
using EdgeSync.Can.Sync.Transfer;
using EdgeSync.Can.Sync.Wire;
using EdgeSync.Primitives;

namespace EdgeSync.Can.Sync.Peers;

/// <summary>
/// The content that is fetched and sent: which asset from which peer, in which order, how fast.
/// </summary>
internal sealed class ContentExchange(
    ISyncStore store, SyncOptions options, ChangedAssets changed, Queue<SyncEffect> effects)
{
    /// <summary>Groups of one asset that wait to be written, before its stream is read no further.</summary>
    private const int PendingMax = 3;

    private const int MismatchesMax = 3;
    private const int FetchBytesMax = 128;

    private readonly Dictionary<AssetHash, Want> _wants = [];
    private readonly Dictionary<long, (PeerSession Session, int Lane)> _tokens = [];
    private readonly Dictionary<AssetHash, (PeerSession Session, Download Download)> _commits = [];
    private readonly RateLimiter _limiter = new();
    private long _token;

    /// <summary>Assets whose content is wanted.</summary>
    public int Missing => _wants.Count;

    public bool IsPaused { get; private set; }

    /// <summary>When the limit lets something pass again.</summary>
    public Instant? Deadline { get; private set; }

    public void SetLimit(Instant now, long? bytesPerSecond) => _limiter.SetLimit(now, bytesPerSecond);

    /// <summary>The content of an asset is to come.</summary>
    public void Want(AssetHash hash, long size, long timestampMs)
    {
        if (_wants.TryAdd(hash, new Want(hash, size, timestampMs))) changed.Add(hash);
    }

    /// <summary>Whether the content is to come.</summary>
    public bool IsWanted(AssetHash hash) => _wants.ContainsKey(hash);

    /// <summary>Whether the content is being fetched, or made part of the store.</summary>
    public bool IsFetching(AssetHash hash) => _wants.TryGetValue(hash, out var want) && want.IsActive;

    /// <summary>The content comes otherwise, and is not fetched until <see cref="Unclaim"/>.</summary>
    public void Claim(AssetHash hash)
    {
        if (_wants.TryGetValue(hash, out var want)) want.IsActive = true;
    }

    public void Unclaim(AssetHash hash)
    {
        if (_wants.TryGetValue(hash, out var want)) want.IsActive = false;
    }

    /// <summary>Whether the limit lets something pass.</summary>
    public bool IsOpen(Instant now) => _limiter.IsOpen(now);

    /// <summary>The same; if not, <see cref="Deadline"/> is when it does.</summary>
    public bool MayPass(Instant now)
    {
        if (_limiter.IsOpen(now)) return true;

        Deadline = Instant.Earlier(Deadline, _limiter.OpensAt(now));
        return false;
    }

    /// <summary>Bytes of content have passed beside those that are counted here.</summary>
    public void Take(Instant now, int bytes) => _limiter.Take(now, bytes);

    /// <summary>The peer has the content.</summary>
    /// <returns>Whether that is of use.</returns>
    public bool Offer(PeerSession session, AssetHash hash) =>
        _wants.TryGetValue(hash, out var want) && !session.Distrusted.Contains(hash) && session.Offers.Add(want);

    /// <summary>What is wanted and this peer has not said that it has.</summary>
    public IEnumerable<AssetHash> Unoffered(PeerSession session) => _wants.Values
        .Where(w => !w.IsActive && !session.Offers.Contains(w) && !session.Distrusted.Contains(w.Hash))
        .Select(w => w.Hash);

    public void Pause(IEnumerable<PeerSession> sessions)
    {
        IsPaused = true;
        foreach (var session in sessions)
        {
            foreach (var (lane, download) in session.Downloads.ToList())
            {
                if (!download.IsCommitting) Drop(session, lane, download);
            }

            foreach (var lane in session.Uploads.Keys.ToList()) Drop(session, lane);
        }
    }

    public void Resume() => IsPaused = false;

    /// <summary>The content of an asset is here, from a peer or from a user.</summary>
    public void OnStored(AssetHash hash, PeerSession? source, IEnumerable<PeerSession> sessions)
    {
        _wants.Remove(hash, out var want);
        changed.Add(hash);
        foreach (var session in sessions)
        {
            if (want is not null) session.Offers.Remove(want);
            if (session != source) session.Queue.Stored(hash);
            // Of no use any longer.
            foreach (var (lane, download) in session.Downloads.ToList())
            {
                if (download.Hash == hash && !download.IsCommitting) Drop(session, lane, download);
            }
        }
    }

    /// <summary>An asset is deleted for good: what is under way of it ends.</summary>
    public void OnPurged(AssetHash hash, IEnumerable<PeerSession> sessions)
    {
        _wants.Remove(hash, out var want);
        foreach (var session in sessions)
        {
            if (want is not null) session.Offers.Remove(want);
            foreach (var (lane, download) in session.Downloads.ToList())
            {
                if (download.Hash == hash) Drop(session, lane, download);
            }

            foreach (var (lane, upload) in session.Uploads.ToList())
            {
                if (upload.Hash == hash) Drop(session, lane);
            }
        }
    }

    public void OnClosed(PeerSession session)
    {
        foreach (var (lane, download) in session.Downloads.ToList()) Release(session, lane, download);
    }

    public bool CanReceive(Instant now, PeerSession session, int lane) =>
        !session.Downloads.TryGetValue(lane, out var download)
        || (download.Pending < PendingMax && _limiter.IsOpen(now));

    /// <summary>Bytes of a stream with content.</summary>
    /// <returns>Why the connection is to be closed; null when it goes on.</returns>
    public SyncClose? Receive(Instant now, PeerSession session, int lane, ReadOnlySpan<byte> bytes)
    {
        if (session.Downloads.TryGetValue(lane, out var download))
        {
            _limiter.Take(now, bytes.Length);
            download.Frames.Append(bytes);
            return ReceiveDownload(session, lane, download);
        }

        if (!session.IsPeerLane(lane)) return null;   // one of ours that was given up
        if (session.Uploads.ContainsKey(lane)) return SyncClose.Protocol;

        return ReceiveFetch(session, lane, bytes);
    }

    public static void OnSent(PeerSession session, int lane, int bytes)
    {
        if (session.Uploads.TryGetValue(lane, out var upload)) upload.OnSent(bytes);
    }

    public void OnLaneEnded(PeerSession session, int lane)
    {
        session.Fetches.Remove(lane);
        if (session.Downloads.TryGetValue(lane, out var download))
        {
            // All groups may be here and only be waiting for the disk.
            if (download.IsComplete) return;

            Drop(session, lane, download);
        }
        else session.Uploads.Remove(lane);
    }

    public void OnGroupRead(Instant now, long token, ReadOnlyMemory<byte>? bytes)
    {
        if (!_tokens.Remove(token, out var at) || !at.Session.Uploads.TryGetValue(at.Lane, out var upload)) return;

        if (bytes is { } read && upload.OnRead(read) is { } group)
        {
            _limiter.Take(now, read.Length);
            upload.OnQueued(Send(at.Session, at.Lane, group));
            return;
        }

        // The content is gone or damaged, which the store has noticed by reading it.
        Send(at.Session, at.Lane, new MirrorMessage.Refused(MirrorMessage.Refused.Absent));
        at.Session.Uploads.Remove(at.Lane);
        effects.Enqueue(new SyncEffect.EndLane(at.Session.Id, at.Lane, IsAbort: false));
        effects.Enqueue(new SyncEffect.Verify(upload.Hash));
    }

    public void OnGroupWritten(long token, bool isWritten)
    {
        if (!_tokens.Remove(token, out var at) || !at.Session.Downloads.TryGetValue(at.Lane, out var download)) return;

        if (!isWritten)
        {
            effects.Enqueue(new SyncEffect.Report("can.write_failed", download.Hash.ToString()));
            Drop(at.Session, at.Lane, download);
            return;
        }

        download.OnWritten();
        if (download.IsWritten) Commit(at.Session, download);
    }

    /// <summary>The end of a commit; answers what the content has proved, when it is stored.</summary>
    public (long TimestampMs, long Size)? OnCommitted(
        AssetHash hash, CommitOutcome outcome, IEnumerable<PeerSession> sessions)
    {
        if (!_commits.Remove(hash, out var at)) return null;

        var lane = at.Session.Downloads.FirstOrDefault(d => d.Value == at.Download).Key;
        if (outcome == CommitOutcome.Stored)
        {
            if (lane != 0) Release(at.Session, lane, at.Download);
            OnStored(hash, at.Session, sessions);
            return (at.Download.TimestampMs, at.Download.Tree!.Size);
        }

        if (outcome == CommitOutcome.Mismatch)
        {
            effects.Enqueue(new SyncEffect.Report("can.identity_mismatch", hash.ToString()));
            Distrust(at.Session, hash);
        }

        if (lane != 0) Drop(at.Session, lane, at.Download);
        else if (_wants.TryGetValue(hash, out var want)) want.IsActive = false;
        return null;
    }

    /// <summary>A step begins, which pumps every session.</summary>
    public void BeginStep() => Deadline = null;

    /// <summary>Begins what can begin.</summary>
    public void Pump(Instant now, PeerSession session)
    {
        if (session.Mismatches >= MismatchesMax && !session.IsClosing)
        {
            session.IsClosing = true;
            effects.Enqueue(new SyncEffect.Close(session.Id, SyncClose.Budget, "content is not what it says"));
            return;
        }

        if (!IsPaused) BeginFetches(session);
        foreach (var (lane, upload) in session.Uploads.ToList()) PumpUpload(now, session, lane, upload);
        if (session.Uploads.Count + session.Downloads.Count > 0)
            Deadline = Instant.Earlier(Deadline, _limiter.OpensAt(now));
    }

    private void BeginFetches(PeerSession session)
    {
        if (session.Offers.Count == 0 || session.Downloads.Count >= options.FetchesMax) return;

        var large = session.Downloads.Values.Count(d => _wants.TryGetValue(d.Hash, out var w) && w.IsLarge);
        List<Want> begun = [];
        foreach (var want in session.Offers)
        {
            if (session.Downloads.Count + begun.Count >= options.FetchesMax) break;
            if (want.IsActive) continue;
            if (want.IsLarge && large >= options.LargeFetchesMax) break;

            if (want.IsLarge) large++;
            begun.Add(want);
        }

        foreach (var want in begun) BeginFetch(session, want);
    }

    private void BeginFetch(PeerSession session, Want want)
    {
        session.Offers.Remove(want);
        want.IsActive = true;
        store.TryGetPartial(want.Hash, out var partial);
        var lane = session.NextLane();
        var download = new Download(want.Hash, partial);
        session.Downloads.Add(lane, download);
        Send(session, lane, download.Request());
    }

    private SyncClose? ReceiveDownload(PeerSession session, int lane, Download download)
    {
        while (true)
        {
            var status = download.Frames.Read(out var type, out var payload);
            if (status == OperationStatus.NeedMoreData) return null;
            if (status == OperationStatus.InvalidData || !MirrorMessage.TryRead(type, payload, out var message))
                return SyncClose.Protocol;
            if (message is null) continue;

            var tree = download.Tree;
            var step = download.Take(message, out var group);
            // A tree that is not that of the part which is here: what is here does not fit.
            if (tree is null && download.StartsOver) store.DropPartial(download.Hash);
            switch (step)
            {
                case DownloadStep.Write: Write(session, lane, download, group!); break;
                case DownloadStep.Complete: Commit(session, download); break;
                case DownloadStep.Refused:
                    Drop(session, lane, download);
                    return null;
                case DownloadStep.Damaged:
                    session.Queue.Say(new MirrorMessage.Damaged(download.Hash));
                    Distrust(session, download.Hash);
                    Drop(session, lane, download);
                    return null;
                case DownloadStep.Protocol: return SyncClose.Protocol;
                default: break;
            }
        }
    }

    private void Write(PeerSession session, int lane, Download download, MirrorMessage.Group group)
    {
        _tokens.Add(++_token, (session, lane));
        // The frame's bytes are overwritten by what comes next.
        var bytes = ArrayPool<byte>.Shared.Rent(group.Bytes.Length);
        group.Bytes.CopyTo(bytes);
        effects.Enqueue(new SyncEffect.WriteGroup(
            _token, download.Hash, download.TimestampMs, download.Tree!, group.Number,
            bytes.AsMemory(0, group.Bytes.Length)));
    }

    private void Commit(PeerSession session, Download download)
    {
        download.IsCommitting = true;
        _commits[download.Hash] = (session, download);
        effects.Enqueue(new SyncEffect.Commit(download.Hash, download.TimestampMs, download.Tree!));
    }

    private SyncClose? ReceiveFetch(PeerSession session, int lane, ReadOnlySpan<byte> bytes)
    {
        if (!session.Fetches.TryGetValue(lane, out var frames))
        {
            if (session.Fetches.Count >= options.UploadsMax) return SyncClose.Budget;
            session.Fetches.Add(lane, frames = new FrameBuffer(FetchBytesMax));
        }

        frames.Append(bytes);
        var status = frames.Read(out var type, out var payload);
        if (status == OperationStatus.NeedMoreData) return null;

        session.Fetches.Remove(lane);
        if (status == OperationStatus.InvalidData || !MirrorMessage.TryRead(type, payload, out var message)
            || message is not MirrorMessage.Fetch fetch || frames.Pending > 0) return SyncClose.Protocol;

        BeginUpload(session, lane, fetch);
        return null;
    }

    private void BeginUpload(PeerSession session, int lane, MirrorMessage.Fetch fetch)
    {
        var isBusy = IsPaused || session.Uploads.Count >= options.UploadsMax;
        if (!isBusy && store.HasContent(fetch.Hash) && store.TryGetTree(fetch.Hash, out var tree)
            && store.TryGetRecord(fetch.Hash, out var record))
        {
            var upload = new Upload(fetch, record.TimestampMs, tree);
            session.Uploads.Add(lane, upload);
            upload.OnQueued(Send(session, lane, upload.Head));
            return;
        }

        Send(session, lane, new MirrorMessage.Refused(
            isBusy ? MirrorMessage.Refused.Busy : MirrorMessage.Refused.Absent));
        effects.Enqueue(new SyncEffect.EndLane(session.Id, lane, IsAbort: false));
    }

    private void PumpUpload(Instant now, PeerSession session, int lane, Upload upload)
    {
        while (upload.NextLeaves() is { } leaves) upload.OnQueued(Send(session, lane, leaves));
        if (upload.IsDone)
        {
            session.Uploads.Remove(lane);
            effects.Enqueue(new SyncEffect.EndLane(session.Id, lane, IsAbort: false));
            return;
        }

        if (!_limiter.IsOpen(now) || upload.NextRead() is not { } read) return;

        _tokens.Add(++_token, (session, lane));
        effects.Enqueue(new SyncEffect.ReadGroup(_token, upload.Hash, read.Offset, read.Count));
    }

    // Not again from this peer, as long as it is connected.
    private static void Distrust(PeerSession session, AssetHash hash)
    {
        session.Mismatches++;
        session.Distrusted.Add(hash);
    }

    private void Drop(PeerSession session, int lane, Download download)
    {
        Release(session, lane, download);
        effects.Enqueue(new SyncEffect.EndLane(session.Id, lane, IsAbort: true));
    }

    private void Drop(PeerSession session, int lane)
    {
        session.Uploads.Remove(lane);
        effects.Enqueue(new SyncEffect.EndLane(session.Id, lane, IsAbort: true));
    }

    private void Release(PeerSession session, int lane, Download download)
    {
        session.Downloads.Remove(lane);
        // What is being made the content goes on by itself.
        if (!_commits.ContainsKey(download.Hash) && _wants.TryGetValue(download.Hash, out var want))
            want.IsActive = false;
    }

    private int Send(PeerSession session, int lane, MirrorMessage message)
    {
        // Groups are large, and sent often.
        var isRented = message is MirrorMessage.Group;
        var frame = message is MirrorMessage.Group group ? group.RentFrame() : message.ToFrame();
        effects.Enqueue(new SyncEffect.Send(session.Id, lane, frame, isRented));
        return frame.Length;
    }
}

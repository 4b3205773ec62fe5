using System.Buffers;
using EdgeSync.Fossil.Delta;
using EdgeSync.Fossil.Sync.Client;
using EdgeSync.Fossil.Sync.Store;
using EdgeSync.Fossil.Xfer;
using EdgeSync.Primitives;

namespace EdgeSync.Fossil.Sync;

/// <summary>Which deltas are sent.</summary>
internal enum DeltaStyle
{
    /// <summary>
    /// New deltas against the artifact's predecessor that the peer likely has. Few artifacts: smallest on the wire.
    /// </summary>
    AgainstParent,

    /// <summary>
    /// The repository's own deltas, each behind its source, so that the receiver can apply or keep them at once. Many
    /// artifacts: nothing is computed.
    /// </summary>
    AsStored,
}

/// <summary>
/// Writes artifacts into one message within a budget of bytes, choosing a form for each. The budget is checked before
/// an artifact, so that one of any size can be sent.
/// <para>
/// A receiver must never end up with deltas that wait for each other: a stock one does not survive that. So a parent
/// delta only ever has a source of smaller rid, whatever is in a history (contents reappear, permissions change), and
/// rids never change; stored deltas only have sources that this message (or an earlier one) carried with their whole
/// chain.
/// </para>
/// </summary>
internal sealed class ArtifactSender(
    IArtifactStore store, XferWriter writer, HashSet<RecordId> wanted, PeerVersion peer, bool withPrivate)
{
    // Spec: xfer.c: no parent delta for texts of up to 100 bytes, nor when it saves less than 50.
    private const int DeltaTextBytesMin = 100;
    private const int DeltaSavingMin = 50;

    private readonly HashSet<RecordId> _sent = [];
    private readonly List<RecordId> _chain = [];
    private readonly HashSet<RecordId> _inChain = [];
    private byte[] _base = [];
    private byte[] _text = [];

    public long BudgetBytes { get; init; } = long.MaxValue;

    /// <summary>
    /// Bound of bytes read and compared, so that one small request cannot occupy a server for long.
    /// </summary>
    public long WorkBytesMax { get; init; } = long.MaxValue;

    public DeltaStyle Style { get; init; }

    /// <summary>
    /// Artifacts that a peer must get as full texts when it requests them: parent deltas were based on them though they
    /// were not sent, or they were sent in a form that the peer could not use. Kept over the messages of a session.
    /// </summary>
    public HashSet<RecordId> TextOnly { get; init; } = [];

    /// <summary>Faults for the simulator.</summary>
    public FaultInjector? Faults { get; init; }

    public int FilesSent { get; private set; }

    public int DeltasSent { get; private set; }

    public long WorkBytes { get; private set; }

    /// <summary>True once a 64-digit name could not be sent because the peer is older than 2.0.</summary>
    public bool PeerTooOld { get; private set; }

    public bool IsFull => writer.BytesWritten >= BudgetBytes || WorkBytes >= WorkBytesMax;

    public bool HasSent(RecordId rid) => _sent.Contains(rid);

    /// <summary>
    /// Sends the artifact, together with the wanted ones in its delta chain. False: the budget is spent, and it (at
    /// least) has not been sent. True also for what cannot be sent at all.
    /// </summary>
    public bool TrySend(RecordId rid)
    {
        if (_sent.Contains(rid)) return true;

        CollectChain(rid);
        for (var i = _chain.Count - 1; i >= 0; i--)
        {
            if (IsFull) return false;
            SendOne(_chain[i]);
        }

        return true;
    }

    /// <summary>
    /// Sends one step of a <see cref="BulkPlan"/>, whose order ensures that its source is sent in time.
    /// </summary>
    public void SendPlanned(RecordId rid, bool isRoot)
    {
        if (!_sent.Add(rid)) return;
        if (isRoot || !TrySendStoredDelta(rid, isPlanned: true)) SendText(rid);
    }

    // From the artifact to the first source that need not be sent: it ends up last in the list.
    private void CollectChain(RecordId rid)
    {
        _chain.Clear();
        _inChain.Clear();
        while (_inChain.Add(rid))
        {
            _chain.Add(rid);
            var next = Style == DeltaStyle.AgainstParent ? ParentOf(rid) : store.SourceOf(rid);
            if (next.IsNone || !wanted.Contains(next) || _sent.Contains(next)) return;

            rid = next;
        }
    }

    private void SendOne(RecordId rid)
    {
        if (!_sent.Add(rid)) return;
        if (Style == DeltaStyle.AgainstParent ? TrySendParentDelta(rid) : TrySendStoredDelta(rid, isPlanned: false))
            return;

        SendText(rid);
    }

    private void SendText(RecordId rid)
    {
        if (Faults.At(FaultSite.SenderExpandFail)) return;
        if (!store.TryReadText(rid, out var text) || !MaySend(text.Id, text.IsPrivate)) return;

        WorkBytes += text.Bytes.Length;
        writer.File(text.Id, default, text.IsPrivate, text.Bytes);
        FilesSent++;
    }

    private bool TrySendStoredDelta(RecordId rid, bool isPlanned)
    {
        if (!isPlanned && TextOnly.Contains(rid)) return false;
        if (!store.TryReadDelta(rid, out var delta) || !MaySend(delta.Id, delta.IsPrivate)) return false;

        // The chain was collected from its end to its source, so the source is in this message or was never wanted.
        if (!isPlanned && !_sent.Contains(delta.SourceRid)) return false;

        WorkBytes += delta.Bytes.Length;
        writer.File(delta.Id, delta.Source, delta.IsPrivate, delta.Bytes);
        DeltasSent++;
        return true;
    }

    private bool TrySendParentDelta(RecordId rid)
    {
        if (TextOnly.Contains(rid) || store.SizeOf(rid) <= DeltaTextBytesMin) return false;

        var parent = ParentOf(rid);
        if (parent.IsNone || (wanted.Contains(parent) && !_sent.Contains(parent))) return false;
        if (!store.TryReadText(parent, out var source) || source.IsPrivate) return false;

        var sourceId = source.Id;
        var baseSize = Keep(source.Bytes, ref _base);
        if (!store.TryReadText(rid, out var text) || !MaySend(text.Id, text.IsPrivate)) return false;

        var (id, isPrivate) = (text.Id, text.IsPrivate);
        var size = Keep(text.Bytes, ref _text);
        WorkBytes += baseSize + size;
        var delta = ArrayPool<byte>.Shared.Rent(DeltaEncoder.GetLengthMax(size));
        var deltaSize = DeltaEncoder.Encode(_base.AsSpan(0, baseSize), _text.AsSpan(0, size), delta);
        var isWorthIt = deltaSize < size - DeltaSavingMin;
        writer.File(
            id, isWorthIt ? sourceId : default, isPrivate,
            isWorthIt ? delta.AsSpan(0, deltaSize) : _text.AsSpan(0, size));
        ArrayPool<byte>.Shared.Return(delta);
        if (isWorthIt && !_sent.Contains(parent)) TextOnly.Add(parent);
        if (isWorthIt) DeltasSent++;
        else FilesSent++;
        return true;
    }

    private RecordId ParentOf(RecordId rid)
    {
        var parent = store.SuggestDeltaBase(rid);
        return parent < rid ? parent : RecordId.None;
    }

    private bool MaySend(ArtifactId id, bool isPrivate)
    {
        if (isPrivate && !withPrivate) return false;
        if (id.Kind != HashKind.Sha3 || peer.KnowsSha3) return true;

        PeerTooOld = true;
        return false;
    }

    private static int Keep(ReadOnlySpan<byte> bytes, ref byte[] buffer)
    {
        if (buffer.Length < bytes.Length) buffer = new byte[Math.Max(bytes.Length, 64 << 10)];
        bytes.CopyTo(buffer);
        return bytes.Length;
    }
}

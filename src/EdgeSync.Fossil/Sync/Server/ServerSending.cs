using EdgeSync.Fossil.Sync.Client;
using EdgeSync.Fossil.Sync.Store;
using EdgeSync.Fossil.Xfer;
using EdgeSync.Primitives;

namespace EdgeSync.Fossil.Sync.Server;

/// <summary>The artifacts of a reply: what the client requested, what we request, what is announced to it.</summary>
internal sealed class ServerSending(IArtifactStore store, ServerOptions options, Instant now, long replyBytesMax)
{
    private readonly HashSet<ArtifactId> _remoteLacks = [];
    private readonly List<RecordId> _gimmes = [];

    /// <summary>What the client has: it announced or sent it, or receives it in this reply.</summary>
    public HashSet<RecordId> RemoteHas { get; } = [];

    /// <summary>
    /// What the client has sent in this request. Only this is not sent back on request: an announced artifact may be a
    /// phantom of the client, as stock announces its private phantoms.
    /// </summary>
    public HashSet<RecordId> Arrived { get; } = [];

    /// <summary>Arrivals in a delta cycle.</summary>
    public HashSet<ArtifactId> Circular { get; } = [];

    public PeerVersion Peer { get; set; }

    public bool WithPrivate { get; set; }

    public bool WithCatalog { get; set; }

    public bool WithClusters { get; set; }

    /// <summary>The client clones by version 1 of the protocol.</summary>
    public bool IsClone1 { get; set; }

    /// <summary>The client requests an artifact.</summary>
    public void OnGimme(in GimmeCard gimme, XferWriter writer)
    {
        if (!_remoteLacks.Add(gimme.Id) || options.Faults.At(FaultSite.ServerGimmeSkip)) return;

        ArtifactEntry entry = default;
        store.Lookup([gimme.Id], new Span<ArtifactEntry>(ref entry));
        if (!entry.IsHeld || entry.IsShunned) return;
        if (entry.IsPrivate && !WithPrivate)
        {
            // Spec: announces to newer clients that an artifact exists that they will not get.
            if (Peer.KnowsPrivateIGot) writer.IGot(gimme.Id, isPrivate: true);
            return;
        }

        _gimmes.Add(entry.Rid);
    }

    /// <summary>Sends what was requested; returns the number of artifacts.</summary>
    public int AnswerGimmes(XferWriter writer)
    {
        if (_gimmes.Count == 0) return 0;

        var wanted = new HashSet<RecordId>(_gimmes);
        wanted.ExceptWith(Arrived);
        var sender = new ArtifactSender(store, writer, wanted, Peer, WithPrivate)
        {
            BudgetBytes = replyBytesMax,
            Faults = options.Faults,
            WorkBytesMax = options.WorkBytesMax,
            Style = wanted.Count > ClientOptions.ManyArtifacts || IsClone1
            ? DeltaStyle.AsStored
            : DeltaStyle.AgainstParent,
        };
        foreach (var rid in _gimmes)
        {
            if (Arrived.Contains(rid) || sender.TrySend(rid)) continue;

            // Spec: what does not fit any more is announced, so that the client requests it again.
            if (store.TryReadDelta(rid, out var delta)) writer.IGot(delta.Id, delta.IsPrivate);
            else if (store.TryReadText(rid, out var text)) writer.IGot(text.Id, text.IsPrivate);
        }

        if (sender.PeerTooOld) writer.Error("Fossil version 2.0 or later required.");

        // Sent or announced, either way it need not be announced again.
        RemoteHas.UnionWith(_gimmes);
        return sender.FilesSent + sender.DeltasSent;
    }

    public void AskForPhantoms(XferWriter writer)
    {
        var left = Ask(ArtifactList.Phantoms, options.GimmesMax, writer);
        if (WithPrivate) Ask(ArtifactList.PrivatePhantoms, left, writer);
    }

    private int Ask(ArtifactList list, int count, XferWriter writer)
    {
        foreach (var phantom in store.Walk(list))
        {
            if (count == 0) break;
            // What just arrived as a delta of itself would arrive as the same again.
            if (_remoteLacks.Contains(phantom.Id) || Circular.Contains(phantom.Id)) continue;

            // A client like ours sends the text on a repeated request; a stock one sends the same delta for ever.
            if (Peer != PeerVersion.Ours && !options.DeltaCycleArrivals.MayRequest(phantom.Id, now)) continue;

            writer.Gimme(phantom.Id);
            count--;
        }

        return count;
    }

    /// <summary>Announces what the client may lack, after making the clusters that are due.</summary>
    public void Announce(bool canWrite, XferWriter writer)
    {
        if (IsClone1 && _remoteLacks.Count == 0)
        {
            AnnounceList(ArtifactList.Public, isPrivate: false, writer);
            if (WithPrivate) AnnounceList(ArtifactList.Private, isPrivate: true, writer);
            return;
        }

        if (canWrite) store.MakeClusters();
        AnnounceList(WithCatalog ? ArtifactList.Public : ArtifactList.Unclustered, isPrivate: false, writer);
        if (WithClusters)
        {
            writer.Comment("sending-clusters"u8);
            AnnounceList(ArtifactList.Clusters, isPrivate: false, writer);
            writer.Comment("end-of-clusters"u8);
        }

        if (WithPrivate) AnnounceList(ArtifactList.Private, isPrivate: true, writer);
    }

    private void AnnounceList(ArtifactList list, bool isPrivate, XferWriter writer)
    {
        var site = isPrivate ? FaultSite.ServerPrivateIGotTruncate : FaultSite.ServerIGotTruncate;
        var countMax = options.Faults.At(site) ? 1 : int.MaxValue;
        foreach (var artifact in store.Walk(list))
        {
            if (RemoteHas.Contains(artifact.Rid)) continue;
            if (countMax-- == 0) return;
            if (artifact.Id.Kind == HashKind.Sha3 && !Peer.KnowsSha3 && IsClone1) continue;

            writer.IGot(artifact.Id, isPrivate);
        }
    }
}

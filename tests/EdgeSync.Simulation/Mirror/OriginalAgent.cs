using System.Buffers;
using System.Buffers.Binary;
using EdgeSync.Can.Assets;
using EdgeSync.Can.Sync.Compat;
using EdgeSync.Can.Wire;
using EdgeSync.Tests.Support;

namespace EdgeSync.Simulation.Mirror;

/// <summary>An asset of the original's service.</summary>
internal sealed record OriginalAsset(AssetHash Hash, long TimestampMs, byte[] Content)
{
    public string? Description { get; set; }

    public IReadOnlyList<string> Tags { get; set; } = [];

    public bool IsTrashed { get; set; }

    public long MetaUpdatedAtMs { get; set; } = TimestampMs;
}

/// <summary>
/// The original's agent with its service, as its description has them (can.md §8): it speaks <c>can-sync/2</c> and
/// nothing else, keeps no deletions, tells of arrivals live, and of details at each connection.
/// </summary>
internal sealed class OriginalAgent(MirrorWorld world)
{
    private const int FrameHead = 5;

    private readonly Dictionary<MirrorEnd, Link> _links = [];

    public Dictionary<AssetHash, OriginalAsset> Assets { get; } = [];

    /// <summary>It says nothing and takes nothing.</summary>
    public bool IsSilent { get; set; }

    /// <summary>Assets with content that came, also such as were there.</summary>
    public int Arrived { get; private set; }

    /// <summary>Changed details that came.</summary>
    public int Changed { get; private set; }

    /// <summary>Connections in which both sides have said all that they had at first.</summary>
    public int Live => _links.Values.Count(l => l.IsLive);

    /// <summary>A user adds an asset.</summary>
    public void Put(OriginalAsset asset)
    {
        Assets.TryAdd(asset.Hash, asset);
        foreach (var (end, link) in _links)
        {
            if (link.IsLive) SendBatch(end, link, asset);
            else if (link.HasTold) link.Later.Add(asset);
        }
    }

    public void OnConnected(MirrorEnd end, bool isDialler)
    {
        _links.Add(end, new Link { Lanes = isDialler ? -1 : 0 });
        if (isDialler && !IsSilent) Tell(end);
    }

    public void OnClosed(MirrorEnd end) => _links.Remove(end);

    public void Receive(MirrorEnd end, int lane, ReadOnlySpan<byte> bytes)
    {
        if (IsSilent) return;

        var link = _links[end];
        if (!link.HasTold) Tell(end);
        if (!link.Pending.TryGetValue(lane, out var pending)) link.Pending[lane] = pending = [];
        pending.AddRange(bytes);
        while (pending.Count >= FrameHead)
        {
            var frame = pending.ToArray();
            var length = BinaryPrimitives.ReadInt32BigEndian(frame.AsSpan(1));
            if (frame.Length < FrameHead + length) return;

            pending.RemoveRange(0, FrameHead + length);
            Take(end, link, frame[0], new ProtobufFields(frame.AsSpan(FrameHead, length)));
        }
    }

    private void SendBatch(MirrorEnd end, Link link, OriginalAsset asset)
    {
        if (!link.Known.Add(asset.Hash)) return;

        var lane = link.Lanes += 2;
        world.SendFrom(end, lane, BundleOf(asset));
        world.SendFrom(end, lane, CompatFrames.Write(CompatFrame.Done, []));
        world.EndFrom(end, lane);
    }

    private void Tell(MirrorEnd end)
    {
        var set = new ArrayBufferWriter<byte>();
        foreach (var asset in Assets.Values)
            new AssetDigest(
                asset.Hash, asset.TimestampMs, asset.Content.Length, asset.IsTrashed, asset.MetaUpdatedAtMs)
                .WriteTo(set);
        _links[end].HasTold = true;
        world.SendFrom(end, 0, CompatFrames.Write(CompatFrame.HashSet, set.WrittenSpan));
    }

    private void Take(MirrorEnd end, Link link, byte type, ProtobufFields fields)
    {
        switch ((CompatFrame)type)
        {
            case CompatFrame.HashSet: Reconcile(end, link, fields); break;
            case CompatFrame.AssetBundle: Store(link, fields); break;
            case CompatFrame.MetaUpdate: Apply(fields); break;
            case CompatFrame.Done:
                link.IsDone = true;
                break;
            default: Assert.Fail($"a frame of type {type} was sent"); break;
        }

        if (!link.IsLive) return;

        foreach (var asset in link.Later) SendBatch(end, link, asset);
        link.Later.Clear();
    }

    private void Reconcile(MirrorEnd end, Link link, ProtobufFields fields)
    {
        var theirs = fields.Messages(1).ToDictionary(d => HashOf(d), d => (long)d.Number(5));
        link.Known.UnionWith(theirs.Keys);
        foreach (var asset in Assets.Values.OrderBy(a => a.TimestampMs).ToList())
        {
            if (link.Known.Add(asset.Hash)) world.SendFrom(end, 0, BundleOf(asset));
            else if (theirs.TryGetValue(asset.Hash, out var updated) && asset.MetaUpdatedAtMs > updated)
                world.SendFrom(end, 0, MetaOf(asset));
        }

        world.SendFrom(end, 0, CompatFrames.Write(CompatFrame.Done, []));
        world.EndFrom(end, 0);
        link.HasSent = true;
    }

    private void Store(Link link, ProtobufFields fields)
    {
        Arrived++;
        var (hash, timestamp, content) = (HashOf(fields), (long)fields.Number(2), fields.Bytes(12));
        Assert.Equal(hash, AssetHash.Of(timestamp, content));
        Assert.Equal(content.Length, (int)fields.Number(11));
        link.Known.Add(hash);
        Assets.TryAdd(hash, new OriginalAsset(hash, timestamp, content)
        {
            Description = TextOf(fields, 6),
            Tags = TagsOf(fields, 9),
            IsTrashed = fields.Number(10) == 1,
            MetaUpdatedAtMs = (long)fields.Number(13),
        });
    }

    private void Apply(ProtobufFields fields)
    {
        Changed++;
        if (!Assets.TryGetValue(HashOf(fields), out var asset)
            || (long)fields.Number(5) <= asset.MetaUpdatedAtMs) return;

        (asset.Description, asset.Tags) = (TextOf(fields, 2), TagsOf(fields, 3));
        (asset.IsTrashed, asset.MetaUpdatedAtMs) = (fields.Number(4) == 1, (long)fields.Number(5));
    }

    private static AssetHash HashOf(ProtobufFields fields) =>
        AssetHash.TryParse(fields.Text(1), out var hash) ? hash : throw new InvalidDataException("a hash");

    private static string? TextOf(ProtobufFields fields, int number) =>
        fields.Bytes(number).Length > 0 ? fields.Text(number) : null;

    private static List<string> TagsOf(ProtobufFields fields, int number) => [.. fields.Texts(number)];

    private static byte[] BundleOf(OriginalAsset asset)
    {
        var (head, tail) = new AssetBundle
        {
            Hash = asset.Hash,
            TimestampMs = asset.TimestampMs,
            Details = new AssetDetails { Description = asset.Description, Tags = asset.Tags },
            IsTrashed = asset.IsTrashed,
            Size = asset.Content.Length,
            MetaUpdatedAtMs = asset.MetaUpdatedAtMs,
        }.Fields();
        return CompatFrames.Write(CompatFrame.AssetBundle, [.. head, .. asset.Content, .. tail]);
    }

    private static byte[] MetaOf(OriginalAsset asset)
    {
        var bytes = new ArrayBufferWriter<byte>();
        new MetaUpdate(asset.Hash, asset.Description, asset.Tags, asset.IsTrashed, asset.MetaUpdatedAtMs)
            .WriteTo(bytes);
        return CompatFrames.Write(CompatFrame.MetaUpdate, bytes.WrittenSpan);
    }

    private sealed class Link
    {
        public HashSet<AssetHash> Known { get; } = [];

        public Dictionary<int, List<byte>> Pending { get; } = [];

        /// <summary>New while the connection was not live yet.</summary>
        public List<OriginalAsset> Later { get; } = [];

        public int Lanes { get; set; }

        public bool HasTold { get; set; }

        public bool HasSent { get; set; }

        public bool IsDone { get; set; }

        public bool IsLive => HasSent && IsDone;
    }
}

using System.Globalization;
using EdgeSync.Can.Assets;
using EdgeSync.Can.Sync.Records;
using EdgeSync.Can.Sync.Transfer;
using EdgeSync.Primitives;

namespace EdgeSync.Simulation.Mirror;

/// <summary>
/// Stores of a mirror beside an agent that speaks the original's protocol alone, while connections break and nodes die.
/// In the end both have what the other had, nothing that was deleted for good is back, and nothing goes to and fro.
/// </summary>
internal sealed class OriginalChaos
{
    private static readonly TimeSpan TimeMax = TimeSpan.FromMinutes(20);

    private readonly ulong _seed;
    private readonly Prng _prng;
    private readonly MirrorWorld _world;
    private readonly MirrorPeer _original;
    private readonly OriginalAgent _agent;
    private readonly Dictionary<AssetHash, byte[]> _contents = [];
    private readonly Dictionary<AssetHash, long> _deleted = [];
    private long _timestamp = 1_700_000_000_000;

    public OriginalChaos(ulong seed)
    {
        (_seed, _prng) = (seed, new Prng(seed ^ 0x0419));
        _world = new MirrorWorld(seed, _prng.NextInt32(1, 4), hasRealProofs: false);
        _original = _world.AddOriginal(_prng.NextInt32(1, _world.Peers.Count + 1));
        _agent = _original.Original!;
    }

    public Dictionary<string, int> Counts { get; } = [];

    public List<string> Run()
    {
        // Every store has met every other: a deletion waits for those that are known.
        if (!_world.RunUntil(AllHaveMet, TimeMax)) return [Fault("not all stores have met")];

        for (var i = _prng.NextInt32(5); i > 0; i--) PutThere();
        for (var i = _prng.NextInt32(5); i > 0; i--) Work();
        _world.DeathChance = _prng.Chance(0.3) ? 0.001 : 0;
        for (var steps = _prng.NextInt32(8, 25); steps > 0; steps--)
        {
            Fault();
            if (_prng.Chance(0.5)) PutThere();
            else Work();
            _world.Run(TimeSpan.FromMilliseconds(_prng.NextInt32(4000)));
        }

        return Check();
    }

    private bool AllHaveMet() => _world.IsEqual()
        && _world.Peers.All(p => p.Node!.Replica.Stores.Count() == _world.Peers.Count);

    private void Fault()
    {
        switch (_prng.NextInt32(10))
        {
            case 0:
                Count("crash");
                _world.Kill(_world.Peers[_prng.NextInt32(_world.Peers.Count)]);
                break;
            case 1 or 2:
                Count("break");
                _world.BreakConnections();
                break;
            case 3 or 4:
                foreach (var down in _world.Peers) _world.StartNode(down);
                break;
            case 5:
                Count("dial");
                _world.DialFromOriginal(_original, _world.Peers[0]);
                break;
            default: break;
        }
    }

    private void PutThere()
    {
        Count("there");
        var (timestamp, content) = NewContent();
        _agent.Put(new OriginalAsset(AssetHash.Of(timestamp, content), timestamp, content)
        {
            Description = _prng.Chance(0.5) ? Word() : null,
            Tags = _prng.Chance(0.5) ? [Word()] : [],
        });
    }

    private void Work()
    {
        var peer = _world.Peers[_prng.NextInt32(_world.Peers.Count)];
        if (peer.Node is null) return;

        var known = peer.Store.Contents().Order().ToList();
        switch (_prng.NextInt32(8))
        {
            case < 3:
                Count("here");
                var (timestamp, content) = NewContent();
                _world.Add(peer, content, timestamp, Word());
                break;
            case 3 when known.Count > 0:
                Count("edit");
                Edit(peer, known, (RecordField.Description, Word()));
                break;
            case 4 when known.Count > 0:
                Count("trash");
                Edit(peer, known, (RecordField.Trashed, _prng.Chance(0.7) ? SyncRecord.On : null));
                break;
            case 5 when _agent.Assets.Count > 0:
                Count("edit there");
                var asset = _agent.Assets.OrderBy(a => a.Key).ElementAt(_prng.NextInt32(_agent.Assets.Count)).Value;
                (asset.Description, asset.MetaUpdatedAtMs) =
                    (Word(), Math.Max(_world.Now.UnixMilliseconds, asset.MetaUpdatedAtMs + 1));
                break;
            case 6 when known.Count > 0:
                Count("purge");
                var hash = known[_prng.NextInt32(known.Count)];
                _deleted[hash] = _world.Now.UnixMilliseconds;
                _world.Tell(peer, (node, at) => node.Purge(at, hash));
                break;
            default: break;
        }
    }

    private void Edit(MirrorPeer peer, List<AssetHash> known, (RecordField, string?) change)
    {
        var hash = known[_prng.NextInt32(known.Count)];
        _world.Tell(peer, (node, at) => node.Edit(at, hash, [change]));
    }

    private (long Timestamp, byte[] Content) NewContent()
    {
        var content = _prng.NextBytes(_prng.NextInt32(12) switch
        {
            0 => 0,
            1 => ContentTree.GroupBytes + _prng.NextInt32(2 * ContentTree.GroupBytes),
            _ => _prng.NextInt32(1, 3000),
        });
        _timestamp += 1 + _prng.NextInt32(1000);
        _contents[AssetHash.Of(_timestamp, content)] = content;
        return (_timestamp, content);
    }

    private List<string> Check()
    {
        _world.DeathChance = 0;
        foreach (var peer in _world.Peers) _world.StartNode(peer);
        // What was changed there is told at the next connection.
        if (!_world.RunUntil(IsEqual, TimeMax)) return [Fault(Difference())];
        if (!Reconnect()) return [Fault("after a break: " + Difference())];

        var broken = new List<string>();
        foreach (var (hash, deletedAt) in _deleted)
        {
            if (_world.Peers.Any(p => p.Store.HasContent(hash))) broken.Add(Fault($"{Short(hash)} is back"));
            // An edit there that is later than the deletion stays there.
            if (_agent.Assets.GetValueOrDefault(hash) is { IsTrashed: false } there
                && there.MetaUpdatedAtMs < deletedAt)
                broken.Add(Fault($"{Short(hash)} is deleted, and not in the trash there"));
        }

        foreach (var hash in _contents.Keys.Where(h => !_deleted.ContainsKey(h))) CheckAsset(hash, broken);
        if (broken.Count > 0) return broken;

        // What all agree on is not talked about, also in a new connection.
        var before = (_agent.Arrived, _agent.Changed);
        _world.Run(TimeSpan.FromSeconds(100));
        if (!Reconnect()) broken.Add(Fault("after another break: " + Difference()));
        _world.Run(TimeSpan.FromSeconds(100));
        if (before != (_agent.Arrived, _agent.Changed)) broken.Add(Fault("what is known is sent again"));
        return broken;
    }

    private bool Reconnect()
    {
        _world.BreakConnections();
        // Until both sides have noticed.
        _world.Run(TimeSpan.FromSeconds(1));
        return _world.RunUntil(IsEqual, TimeMax);
    }

    private void CheckAsset(AssetHash hash, List<string> broken)
    {
        var there = _agent.Assets.GetValueOrDefault(hash);
        foreach (var peer in _world.Peers)
        {
            if (there is null || !peer.Store.TryGetRecord(hash, out var record) || !peer.Store.HasContent(hash)
                || !peer.Store.ContentOf(hash).AsSpan().SequenceEqual(_contents[hash])
                || !there.Content.AsSpan().SequenceEqual(_contents[hash]))
            {
                broken.Add(Fault($"{Short(hash)} is not everywhere: there {there is not null}, at {peer.Number} "
                    + $"{peer.Store.HasContent(hash)}"));
                continue;
            }

            var details = RecordDetails.Of(record);
            if (details.Description != there.Description || record.IsTrashed != there.IsTrashed
                || !details.Tags.SequenceEqual(there.Tags))
                broken.Add(Fault($"{Short(hash)} differs: '{details.Description}' {record.IsTrashed} "
                    + $"and '{there.Description}' {there.IsTrashed} there"));
        }
    }

    private bool IsEqual() => _world.IsEqual() && _agent.Live > 0
        && _world.Peers.All(p => p.Node!.Peers().All(s => s.IsInSync))
        && _world.Peers.All(p => _contents.Keys.All(h => _deleted.ContainsKey(h) || p.Store.HasContent(h)));

    private string Difference() => string.Join("; ", _world.Peers.Select(p => string.Create(
        CultureInfo.InvariantCulture,
        $"{p.Number}: {p.Store.Contents().Count()} contents, {p.Node!.Missing} missing, "
            + $"{p.Node.Peers().Count()} peers, {p.Node.Replica.DeletionCount} deletions, "
            + $"{string.Join(',', p.Reports.Distinct())}")))
        + $"; there {_agent.Assets.Count}, live {_agent.Live}";

    private void Count(string what) => Counts[what] = Counts.GetValueOrDefault(what) + 1;

    private string Word() => _prng.NextInt32(1, 1000).ToString(CultureInfo.InvariantCulture);

    private string Fault(string what) => $"seed {_seed}: {what}";

    private static string Short(AssetHash hash) => hash.ToString()[..8];
}

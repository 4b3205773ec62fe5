using System.Globalization;
using System.Text;
using EdgeSync.Can.Assets;
using EdgeSync.Can.Sync.Records;
using EdgeSync.Can.Sync.Transfer;
using EdgeSync.Primitives;

namespace EdgeSync.Simulation.Mirror;

/// <summary>
/// Users who add, edit, trash, restore and delete on stores that crash, lose each other, and have clocks that jump by
/// years. Then the faults end, and all stores must agree: the last writer of each field won, nothing that was deleted
/// last is there, and every byte is what its hash says.
/// </summary>
internal sealed class MirrorChaos
{
    private static readonly RecordField[] Editable =
        [RecordField.Description, RecordField.Tags, RecordField.FileName, RecordField.Path];

    private static readonly TimeSpan TimeMax = TimeSpan.FromMinutes(20);

    private readonly ulong _seed;
    private readonly Prng _prng;
    private readonly MirrorWorld _world;
    private readonly Dictionary<AssetHash, (byte[] Content, long TimestampMs)> _assets = [];
    private readonly List<AssetHash> _order = [];

    /// <summary>What was written of each asset, by its stamps alone.</summary>
    private readonly Dictionary<(AssetHash, RecordField), FieldValue> _written = [];

    /// <summary>Assets that were deleted for good at some time.</summary>
    private readonly HashSet<AssetHash> _deleted = [];

    public MirrorChaos(ulong seed)
    {
        (_seed, _prng) = (seed, new Prng(seed ^ 0x5eed));
        // Two to eight, few more often: what goes wrong mostly does so between three.
        var peers = 2 + Math.Min(_prng.NextInt32(7), _prng.NextInt32(7));
        _world = new MirrorWorld(seed, peers, hasRealProofs: seed % 16 == 0);
    }

    public MirrorWorld World => _world;

    /// <summary>What happened, so that a test sees that something did.</summary>
    public Dictionary<string, int> Counts { get; } = [];

    /// <summary>What is broken; empty when all holds.</summary>
    public List<string> Run()
    {
        // Every store has met every other: a deletion waits for those that are known.
        if (!_world.RunUntil(AllHaveMet, TimeMax)) return [Fault("not all stores have met")];

        _world.DeathChance = _prng.Chance(0.5) ? 0.002 : 0;
        for (var steps = _prng.NextInt32(8, 20); steps > 0; steps--)
        {
            Fault();
            Work();
            _world.Run(TimeSpan.FromMilliseconds(_prng.NextInt32(5000)));
        }

        Heal();
        return Check();
    }

    private bool AllHaveMet() => _world.Peers.All(p => p.Node!.Replica.Stores.Count() == _world.Peers.Count)
        && _world.IsEqual();

    private void Count(string what) => Counts[what] = Counts.GetValueOrDefault(what) + 1;

    private void Fault()
    {
        var peer = Pick(_world.Peers);
        switch (_prng.NextInt32(14))
        {
            case 0:
                Count("partition");
                _world.Partition(_prng.NextInt32(1, 4));
                break;
            case 1:
                Count("crash");
                _world.Kill(peer);
                break;
            case 2 or 3:
                foreach (var down in _world.Peers) _world.StartNode(down);
                break;
            case 4:
                Count("clock");
                peer.ClockError = _prng.Chance(0.4) ? TimeSpan.Zero : TimeSpan.FromDays(_prng.NextInt32(-3650, 3650));
                break;
            case 5:
                Count("break");
                _world.BreakConnections();
                break;
            case 6: SpoilOne(peer); break;
            default: break;
        }
    }

    // Content of one store goes bad, while another has it: it must come back.
    private void SpoilOne(MirrorPeer peer)
    {
        var others = _world.Peers.Where(p => p != peer)
            .SelectMany(p => p.Store.Contents().Where(
                h => p.Store.ContentOf(h).AsSpan().SequenceEqual(_assets[h].Content)))
            .ToHashSet();
        // A deletion on its way may take the other copies.
        var candidates = peer.Store.Contents().Where(others.Contains).Where(h => !_world.Peers.Any(
            p => p.Store.TryGetRecord(h, out var record) && record.IsPurged)).Order().ToList();
        if (candidates.Count == 0 || peer.Node is null) return;

        var hash = Pick(candidates);
        if (_prng.Chance(0.5) && peer.Store.ContentOf(hash).Length > 0)
        {
            Count("spoil");
            peer.Store.Spoil(hash, _prng.NextInt32(peer.Store.ContentOf(hash).Length));
            return;
        }

        Count("lose");
        peer.Store.Lose(hash);
        _world.Tell(peer, (node, at) => node.OnContentLost(at, [hash]));
    }

    private void Work()
    {
        var up = _world.Peers.Where(p => p.Node is not null).ToList();
        if (up.Count == 0) return;

        var peer = Pick(up);
        var known = _order.Where(h => peer.Store.TryGetRecord(h, out _)).ToList();
        switch (_prng.NextInt32(10))
        {
            case <= 3: AddNew(peer); break;
            case 4 when _order.Count > 0: AddAgain(peer, Pick(_order)); break;
            case 5 or 6 when known.Count > 0: Edit(peer, Pick(known)); break;
            case 7 when known.Count > 0: Trash(peer, Pick(known)); break;
            case 8 or 9 when known.Count > 0: Purge(peer, Pick(known)); break;
            default: break;
        }
    }

    private void AddNew(MirrorPeer peer)
    {
        Count("add");
        var size = _prng.NextInt32(20) switch
        {
            0 => 0,
            1 => ContentTree.GroupBytes + _prng.NextInt32(2 * ContentTree.GroupBytes),
            _ => _prng.NextInt32(1, 3000),
        };
        var content = _prng.NextBytes(size);
        var timestamp = 1_700_000_000_000 + _prng.NextInt64(100_000_000);
        var hash = AssetHash.Of(timestamp, content);
        if (_assets.TryAdd(hash, (content, timestamp))) _order.Add(hash);
        AddAgain(peer, hash);
    }

    private void AddAgain(MirrorPeer peer, AssetHash hash)
    {
        var (content, timestamp) = _assets[hash];
        if (peer.Store.TryGetRecord(hash, out var before) && (before.IsPurged || before.IsTrashed)) Count("again");
        peer.Store.Put(hash, content);
        _world.Tell(peer, (node, at) =>
        {
            // Some were edited before the mirror was told of them.
            var updated = timestamp + (_prng.Chance(0.3) ? _prng.NextInt32(1, 100_000) : 0);
            node.Add(at, hash, timestamp, content.Length, updated, [(RecordField.FileName, Word())]);
            Note(peer, hash);
        });
    }

    private void Edit(MirrorPeer peer, AssetHash hash) => _world.Tell(peer, (node, at) =>
    {
        Count("edit");
        node.Edit(at, hash, [(_prng.Pick<RecordField>(Editable), _prng.Chance(0.2) ? null : Word())]);
        Note(peer, hash);
    });

    private void Trash(MirrorPeer peer, AssetHash hash) => _world.Tell(peer, (node, at) =>
    {
        Count("trash");
        node.Edit(at, hash, [(RecordField.Trashed, _prng.Chance(0.7) ? SyncRecord.On : null)]);
        Note(peer, hash);
    });

    private void Purge(MirrorPeer peer, AssetHash hash) => _world.Tell(peer, (node, at) =>
    {
        Count("purge");
        node.Purge(at, hash);
        _deleted.Add(hash);
        Note(peer, hash);
    });

    // What the store has after a change of its user: of every field the greatest stamp is what must be left, and of
    // values that two stores brought with the same asset the greatest value.
    private void Note(MirrorPeer peer, AssetHash hash)
    {
        if (!peer.Store.TryGetRecord(hash, out var record)) return;

        foreach (var field in record.Fields)
        {
            var key = (hash, field.Field);
            if (!_written.TryGetValue(key, out var before) || field.Stamp > before.Stamp
                || (field.Stamp == before.Stamp && string.CompareOrdinal(field.Value, before.Value) > 0))
                _written[key] = field;
        }
    }

    private void Heal()
    {
        _world.DeathChance = 0;
        _world.Partition(0);
        foreach (var peer in _world.Peers) _world.StartNode(peer);

        // As the verifier of a store finds what is spoiled.
        foreach (var peer in _world.Peers)
        {
            var spoiled = peer.Store.Contents().ToList().Where(h => !peer.Store.Verify(h)).ToList();
            if (spoiled.Count > 0) _world.Tell(peer, (node, at) => node.OnContentLost(at, spoiled));
        }
    }

    private List<string> Check()
    {
        if (!_world.RunUntil(_world.IsEqual, TimeMax)) return [Fault(Difference())];

        var broken = new List<string>();
        foreach (var hash in _order) CheckAsset(hash, broken);

        // What all agree on is not talked about, once all are connected again.
        _world.Run(TimeSpan.FromSeconds(100));
        var before = new Dictionary<byte, int>(_world.Frames);
        _world.Run(TimeSpan.FromSeconds(40));
        foreach (var type in new byte[] { 0x02, 0x03, 0x04, 0x05 })
        {
            if (_world.Frames.GetValueOrDefault(type) != before.GetValueOrDefault(type))
                broken.Add(Fault($"frames of type {type} are sent although nothing changes"));
        }

        return broken;
    }

    private void CheckAsset(AssetHash hash, List<string> broken)
    {
        if (!_written.TryGetValue((hash, RecordField.Life), out var life)) return;

        var isThere = life.Value != SyncRecord.Purged;
        foreach (var peer in _world.Peers)
        {
            var hasRecord = peer.Store.TryGetRecord(hash, out var record);
            if (hasRecord != isThere)
            {
                broken.Add(Fault($"{hash.ToString()[..8]} {(isThere ? "is lost" : "is back")} at {peer.Number}"));
                continue;
            }

            if (!isThere)
            {
                if (peer.Store.HasContent(hash))
                    broken.Add(Fault($"{hash.ToString()[..8]} has content though deleted"));
                continue;
            }

            var (content, _) = _assets[hash];
            if (!peer.Store.HasContent(hash) || !peer.Store.ContentOf(hash).AsSpan().SequenceEqual(content))
                broken.Add(Fault($"content of {hash.ToString()[..8]} differs at {peer.Number}"));
            // An edit beside a deletion may go with it; else the last writer of each field has won.
            if (!_deleted.Contains(hash)) CheckFields(peer, record!, broken);
        }
    }

    private void CheckFields(MirrorPeer peer, SyncRecord record, List<string> broken)
    {
        foreach (var field in _written.Where(w => w.Key.Item1 == record.Key).Select(w => w.Value))
        {
            if (record[field.Field] != field.Value)
                broken.Add(Fault($"{field.Field} of {record.Key.ToString()[..8]} at {peer.Number}: "
                    + $"{record[field.Field]} instead of {field.Value}"));
        }
    }

    private string Difference()
    {
        var text = new StringBuilder("stores differ:");
        foreach (var peer in _world.Peers)
        {
            text.Append(CultureInfo.InvariantCulture, $" [{peer.Number}: {peer.Node!.Replica.Index.Count} records, ");
            text.Append(CultureInfo.InvariantCulture, $"{peer.Node.Missing} missing, ");
            text.Append(CultureInfo.InvariantCulture, $"{peer.Node.Replica.DeletionCount} deletions, ");
            text.Append(CultureInfo.InvariantCulture, $"{peer.Node.Peers().Count()} peers, ");
            text.Append(CultureInfo.InvariantCulture, $"{string.Join(',', peer.Reports.Distinct())}]");
        }

        return text.ToString();
    }

    private string Fault(string what) => $"seed {_seed}: {what}";

    private string Word() => _prng.NextInt32(1000).ToString(CultureInfo.InvariantCulture);

    private T Pick<T>(IReadOnlyList<T> choices) => choices[_prng.NextInt32(choices.Count)];
}

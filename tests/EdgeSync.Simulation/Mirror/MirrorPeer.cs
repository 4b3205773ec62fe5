using EdgeSync.Can.Sync.Passphrase;
using EdgeSync.Can.Sync.Peers;
using EdgeSync.Can.Sync.Records;
using EdgeSync.Iroh.Endpoints;

namespace EdgeSync.Simulation.Mirror;

/// <summary>A machine: a store that stays, and a node that comes and goes.</summary>
internal sealed class MirrorPeer(int number, StoreId store, SecretKey key, SyncKeys keys)
{
    public int Number => number;

    public MirrorStore Store { get; } = new(store);

    public EndpointId Id => key.Id;

    public SyncKeys Keys => keys;

    /// <summary>The original's agent, in place of a node of ours.</summary>
    public OriginalAgent? Original { get; set; }

    /// <summary>Endpoints that may speak the original's protocol.</summary>
    public List<EndpointId> Originals { get; } = [];

    /// <summary>Null while it is down.</summary>
    public SyncNode? Node { get; set; }

    /// <summary>Which life of the node; what was under way for an earlier one is gone.</summary>
    public int Life { get; set; }

    /// <summary>How wrong its clock is.</summary>
    public TimeSpan ClockError { get; set; }

    public List<MirrorEnd> Ends { get; } = [];

    /// <summary>Streams on which bytes have arrived that the node has not taken.</summary>
    public List<(MirrorEnd End, int Lane)> Ready { get; } = [];

    public List<SyncEffect.Ask> Questions { get; } = [];

    public List<string> Reports { get; } = [];
}

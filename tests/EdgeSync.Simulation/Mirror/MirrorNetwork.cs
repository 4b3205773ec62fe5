using EdgeSync.Can.Sync.Passphrase;
using EdgeSync.Primitives;

namespace EdgeSync.Simulation.Mirror;

/// <summary>One end of a connection.</summary>
internal sealed class MirrorEnd(MirrorPeer peer, long session, MirrorConnection connection)
{
    /// <summary>Bytes that have arrived and wait until the node takes them, by stream.</summary>
    public Dictionary<int, Queue<(ReadOnlyMemory<byte> Bytes, bool IsEnd)>> Arrived { get; } = [];

    /// <summary>When the last bytes of a stream arrive: streams keep their order, each its own.</summary>
    public Dictionary<int, Instant> ArrivesAt { get; } = [];

    public MirrorPeer Peer => peer;

    public long Session => session;

    public MirrorConnection Connection => connection;

    public bool IsOpen { get; set; } = true;
}

/// <summary>A connection: streams in order, with a delay.</summary>
internal sealed class MirrorConnection
{
    public MirrorConnection(MirrorPeer dialler, MirrorPeer acceptor, long id, TimeSpan delay, Prng prng)
    {
        (Delay, Binding) = (delay, prng.NextBytes(PassphraseProof.BindingBytes));
        (Dialler, Acceptor) = (new MirrorEnd(dialler, 2 * id, this), new MirrorEnd(acceptor, (2 * id) + 1, this));
    }

    public MirrorEnd Dialler { get; }

    public MirrorEnd Acceptor { get; }

    public TimeSpan Delay { get; }

    public byte[] Binding { get; }

    public MirrorEnd Other(MirrorEnd end) => end == Dialler ? Acceptor : Dialler;
}

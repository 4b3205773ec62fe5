using System.Security.Cryptography;
using EdgeSync.Iroh.Endpoints;
using EdgeSync.Primitives;

namespace EdgeSync.Can.Sync.Passphrase;

/// <summary>How far a proof is.</summary>
public enum ProofState
{
    /// <summary>More bytes are needed.</summary>
    Pending,

    /// <summary>Both sides have the passphrase.</summary>
    Proved,

    /// <summary>The other side has another passphrase, or does not follow the protocol.</summary>
    Failed,
}

/// <summary>What the first bytes of a connection prove.</summary>
internal interface IConnectionProof
{
    ProofState State { get; }

    int Receive(ReadOnlySpan<byte> bytes);

    bool TryTakeOutput(out ReadOnlyMemory<byte> output);
}

/// <summary>Makes the proof of one side; simulations take one that costs less.</summary>
internal delegate IConnectionProof ProofFactory(bool isDialler, EndpointId peer, ReadOnlySpan<byte> binding);

/// <summary>
/// Each side proves to the other that it has the passphrase, before anything else is sent on a connection.
/// <code>
/// dialling side    01 point(32)
/// accepting side   01 point(32) confirmation(32)
/// dialling side    confirmation(32)
/// </code>
/// The points are those of <see cref="CPace"/>. The generator depends on both ids, on who dialled, and on keying
/// material of the connection (RFC 8446 §7.5), so nothing of one connection is of use on another. A side that has
/// another passphrase learns that its one guess was wrong, and nothing that it could try further guesses on.
/// </summary>
public sealed class PassphraseProof : IConnectionProof
{
    /// <summary>Bytes of keying material that the connection is asked for.</summary>
    public const int BindingBytes = 32;

    private const byte Version = 1;
    private const int ConfirmationBytes = 32;

    private readonly bool _isDialler;
    private readonly byte[] _self;
    private readonly byte[] _peer;
    private readonly byte[] _session;
    private readonly byte[] _scalar = new byte[CPace.PointBytes];
    private readonly byte[] _point;
    private readonly byte[] _pending;
    private int _received;
    private byte[]? _output;
    private byte[]? _key;
    private CPaceMessage? _theirs;

    /// <param name="isDialler">Whether this side opened the connection.</param>
    /// <param name="keys">Of the passphrase.</param>
    /// <param name="self">This endpoint.</param>
    /// <param name="peer">The other one, as the handshake proved it.</param>
    /// <param name="binding">32 bytes of keying material, exported under <see cref="ExporterLabel"/>.</param>
    /// <param name="entropy">For the scalar.</param>
    public PassphraseProof(
        bool isDialler, SyncKeys keys, EndpointId self, EndpointId peer, ReadOnlySpan<byte> binding, Entropy entropy)
    {
        ArgumentNullException.ThrowIfNull(keys);
        ArgumentNullException.ThrowIfNull(entropy);
        Invariant.Require(binding.Length == BindingBytes);
        (_isDialler, _self, _peer, _session) = (isDialler, self.ToArray(), peer.ToArray(), binding.ToArray());
        entropy.Fill(_scalar);
        var (dialler, acceptor) = isDialler ? (_self, _peer) : (_peer, _self);
        var generator = CPace.Generator(
            keys.Secret, [.. "edgesync-can-sync proof 1"u8, .. dialler, .. acceptor], _session);
        _point = CPace.Multiply(_scalar, generator);
        _pending = new byte[isDialler ? 1 + CPace.PointBytes + ConfirmationBytes : 1 + CPace.PointBytes];
        if (isDialler) _output = [Version, .. _point];
    }

    /// <summary>The label under which a connection exports what the proof is bound to.</summary>
    public static ReadOnlySpan<byte> ExporterLabel => "EXPORTER-edgesync-can-proof"u8;

    public ProofState State { get; private set; }

    /// <summary>Bytes from the peer.</summary>
    /// <returns>How many were of the proof; the rest is what follows it.</returns>
    public int Receive(ReadOnlySpan<byte> bytes)
    {
        var taken = 0;
        while (State == ProofState.Pending && taken < bytes.Length)
        {
            var expected = Expected();
            var count = Math.Min(expected - _received, bytes.Length - taken);
            bytes.Slice(taken, count).CopyTo(_pending.AsSpan(_received));
            _received += count;
            taken += count;
            if (_received == expected) OnMessage();
        }

        return taken;
    }

    /// <summary>What to send now, if there is something.</summary>
    public bool TryTakeOutput(out ReadOnlyMemory<byte> output)
    {
        output = _output;
        var isThere = _output is not null;
        _output = null;
        return isThere;
    }

    private int Expected() => _key is not null ? ConfirmationBytes : _pending.Length;

    private void OnMessage()
    {
        var isProved = (_isDialler, _key) switch
        {
            (true, _) => TakeAnswer(),
            (false, null) => TakePoint(),
            _ => IsConfirmed(_pending.AsSpan(0, ConfirmationBytes)),
        };
        _received = 0;
        if (isProved is null) return;

        State = isProved.Value ? ProofState.Proved : ProofState.Failed;
        CryptographicOperations.ZeroMemory(_scalar);
        if (_key is not null) CryptographicOperations.ZeroMemory(_key);
    }

    // The accepting side: null, since the confirmation is still to come.
    private bool? TakePoint()
    {
        if (!TryAgree(_pending.AsSpan(1, CPace.PointBytes))) return false;

        _output = [Version, .. _point, .. Confirmation(new CPaceMessage(_point, _self))];
        return null;
    }

    private bool? TakeAnswer()
    {
        if (!TryAgree(_pending.AsSpan(1, CPace.PointBytes))
            || !IsConfirmed(_pending.AsSpan(1 + CPace.PointBytes, ConfirmationBytes))) return false;

        // Sent only now: who has another passphrase gets no confirmation to compare guesses with.
        _output = Confirmation(new CPaceMessage(_point, _self));
        return true;
    }

    private bool TryAgree(ReadOnlySpan<byte> point)
    {
        if (_pending[0] != Version || CPace.Agree(_scalar, point) is not { } shared) return false;

        _theirs = new CPaceMessage(point.ToArray(), _peer);
        var ours = new CPaceMessage(_point, _self);
        _key = CPace.Key(_session, shared, _isDialler ? ours : _theirs, _isDialler ? _theirs : ours);
        CryptographicOperations.ZeroMemory(shared);
        return true;
    }

    private bool IsConfirmed(ReadOnlySpan<byte> confirmation) =>
        CryptographicOperations.FixedTimeEquals(confirmation, Confirmation(_theirs!));

    private byte[] Confirmation(CPaceMessage message) =>
        CPace.Confirmation(_session, _key!, message)[..ConfirmationBytes];
}

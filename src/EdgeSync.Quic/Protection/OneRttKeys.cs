using System.Security.Cryptography;
using EdgeSync.Primitives;

namespace EdgeSync.Quic.Protection;

/// <summary>The lowest packet number of one packet-number space that was opened in a key phase.</summary>
internal struct PhaseMark
{
    public long Phase;
    public ulong? First;
}

/// <summary>
/// Keys of 1-RTT packets and their updates. The keys of the next phase are made ahead, so that receiving an update
/// takes as long as receiving a forged one. Spec: RFC 9001 §6.
/// </summary>
internal sealed class OneRttKeys : IDisposable
{
    /// <summary>Packets that may be sealed with one key (RFC 9001 §6.6: 2^23 for AES-GCM), with a margin.</summary>
    public const ulong SealedMax = 1UL << 22;

    /// <summary>Packets that may fail to open in a connection before it must close (RFC 9001 §6.6).</summary>
    public const ulong FailedMax = 1UL << 52;

    private readonly CipherSuite _suite;
    private readonly byte[] _sendSecret;
    private readonly byte[] _receiveSecret;
    private PacketKeys _send;
    private PacketKeys _receive;
    private PacketKeys _nextSend;
    private PacketKeys _nextReceive;
    private PacketKeys? _previousReceive;
    private Instant? _previousUntil;

    public OneRttKeys(CipherSuite suite, ReadOnlySpan<byte> sendSecret, ReadOnlySpan<byte> receiveSecret)
    {
        _suite = suite;
        _sendSecret = sendSecret.ToArray();
        _receiveSecret = receiveSecret.ToArray();
        SendMask = PacketKeys.HeaderMaskOf(suite, sendSecret);
        ReceiveMask = PacketKeys.HeaderMaskOf(suite, receiveSecret);
        _send = new PacketKeys(suite, sendSecret);
        _receive = new PacketKeys(suite, receiveSecret);
        _nextSend = Next(_sendSecret);
        _nextReceive = Next(_receiveSecret);
    }

    public HeaderMask SendMask { get; }

    public HeaderMask ReceiveMask { get; }

    /// <summary>The phase bit of packets that are sent.</summary>
    public bool Phase { get; private set; }

    /// <summary>Packets that were sealed in this phase.</summary>
    public ulong Sealed { get; private set; }

    /// <summary>Packets of this connection that could not be opened.</summary>
    public ulong Failed { get; private set; }

    /// <summary>Key updates so far, of either side.</summary>
    public long Updates { get; private set; }

    public void Seal(ReadOnlySpan<byte> header, Span<byte> payload, ulong number, uint pathId = 0)
    {
        Sealed++;
        _send.Seal(header, payload, number, pathId);
    }

    /// <summary>Opens a packet of this phase, of the one before, or of the next, which then becomes this one.</summary>
    /// <param name="phase">The packet's phase bit.</param>
    /// <param name="mark">Of the packet's number space: with multipath there are several.</param>
    /// <param name="previousLife">How long keys of the phase before stay after an update: three probe timeouts.</param>
    /// <param name="updated">Whether the peer has begun a new phase with this packet.</param>
    public bool TryOpen(
        ReadOnlySpan<byte> header, Span<byte> payload, ulong number, bool phase, Instant now, TimeSpan previousLife,
        ref PhaseMark mark, out bool updated, uint pathId = 0)
    {
        updated = false;
        if (now > _previousUntil) DropPrevious();
        if (mark.Phase != Updates) mark = new PhaseMark { Phase = Updates };
        if (phase == Phase)
            return Count(OpenOfThisPhase(header, payload, number, pathId, now + previousLife, ref mark));

        // An older number is of the phase before; there is none that is both older and of the next (RFC 9001 §6.5). A
        // space without a packet of this phase proves nothing, as long as the keys of the phase before are there.
        var isOlder = mark.First is { } first ? number < first : _previousReceive is not null;
        if (isOlder) return Count(_previousReceive?.TryOpen(header, payload, number, pathId) ?? false);
        if (!_nextReceive.TryOpen(header, payload, number, pathId)) return Count(false);

        Update();
        mark = new PhaseMark { Phase = Updates, First = number };
        _previousUntil = now + previousLife;
        updated = true;
        return true;
    }

    /// <summary>Begins a new phase. The caller has seen an acknowledgement in this one (RFC 9001 §6.1).</summary>
    public void Update()
    {
        DropPrevious();
        _previousReceive = _receive;
        _send.Dispose();
        _send = _nextSend;
        _receive = _nextReceive;
        _nextSend = Next(_sendSecret);
        _nextReceive = Next(_receiveSecret);
        Phase = !Phase;
        Sealed = 0;
        Updates++;
    }

    public void Dispose()
    {
        CryptographicOperations.ZeroMemory(_sendSecret);
        CryptographicOperations.ZeroMemory(_receiveSecret);
        _send.Dispose();
        _receive.Dispose();
        _nextSend.Dispose();
        _nextReceive.Dispose();
        _previousReceive?.Dispose();
        SendMask.Dispose();
        ReceiveMask.Dispose();
    }

    private bool OpenOfThisPhase(
        ReadOnlySpan<byte> header, Span<byte> payload, ulong number, uint pathId, Instant previousUntil,
        ref PhaseMark mark)
    {
        if (!_receive.TryOpen(header, payload, number, pathId)) return false;
        // The keys of the phase before stay for a while after the peer has begun this one, not after we have.
        if (_previousReceive is not null) _previousUntil ??= previousUntil;
        if (mark.First is null || number < mark.First) mark.First = number;
        return true;
    }

    private bool Count(bool opened)
    {
        if (!opened) Failed++;
        return opened;
    }

    private void DropPrevious()
    {
        _previousReceive?.Dispose();
        (_previousReceive, _previousUntil) = (null, null);
    }

    /// <summary>Replaces a secret by that of the next phase, and makes its keys.</summary>
    private PacketKeys Next(byte[] secret)
    {
        Span<byte> next = stackalloc byte[CipherSuite.HashBytesMax];
        next = next[..secret.Length];
        Labels.Expand(_suite.Hash, secret, "quic ku"u8, [], next);
        next.CopyTo(secret);
        CryptographicOperations.ZeroMemory(next);
        return new PacketKeys(_suite, secret);
    }
}

using EdgeSync.Primitives;
using EdgeSync.Quic.Frames;
using EdgeSync.Quic.Packets;
using EdgeSync.Quic.Paths;
using EdgeSync.Quic.Protection;
using EdgeSync.Quic.Tls;

namespace EdgeSync.Quic.Connections;

/// <summary>
/// Joins TLS with packets: CRYPTO frames, keys, the checks of connection ids, Retry and Version Negotiation. Spec: RFC
/// 9000 §6, §7, §17.2.5; RFC 9001 §4.
/// </summary>
internal sealed class HandshakeDriver(ConnectionState state)
{
    private const int PiecesBytes = 4096;

    private readonly byte[] _piece = new byte[PiecesBytes];

    /// <summary>Bytes of the largest datagram that both sides take.</summary>
    public int MtuMax => (int)Math.Min((ulong)state.Options.MaxUdpPayload, state.PeerParameters.MaxUdpPayload);

    public QuicError? OnCrypto(Instant now, EncryptionLevel level, in Frame frame)
    {
        var receive = state.Crypto[(int)level].Receive;
        if (frame.Offset + (ulong)frame.Data.Length > receive.ReadOffset + CryptoStream.BufferMax)
            return new QuicError(TransportErrorCode.CryptoBufferExceeded, frame.Type, "too many bytes out of order");
        if (!receive.TryWrite(frame.Offset, frame.Data))
            return new QuicError(TransportErrorCode.CryptoBufferExceeded, frame.Type, "too many pieces");
        while (receive.Readable > 0)
        {
            var count = receive.Read(_piece);
            if (state.Tls.Receive(level, _piece.AsSpan(0, count)) is { } error) return error;
        }

        return Pump(now);
    }

    /// <summary>Moves what TLS has made: bytes to send, keys, and at the end the peer's parameters.</summary>
    public QuicError? Pump(Instant now)
    {
        for (var level = EncryptionLevel.Initial; level <= EncryptionLevel.OneRtt; level++)
        {
            var output = state.Tls.TakeOutput(level);
            Invariant.Require(state.Crypto[(int)level].Send.Write(output, finish: false) == output.Length);
        }

        if (state.Tls.HandshakeSecrets is { } secrets && state.HandshakeKeys is null
            && state.Phase == ConnectionPhase.Handshake && !state.IsConfirmed)
            state.HandshakeKeys = KeysOf(secrets);
        if (!state.Tls.IsComplete || state.OneRttKeys is not null) return null;
        return Complete(now);
    }

    /// <summary>Whether a packet's source id and address fit the handshake.</summary>
    public bool AcceptsSource(EncryptionLevel level, QuicPath path, in PacketHeader header, FourTuple tuple)
    {
        if (level == EncryptionLevel.OneRtt)
        {
            // A server's address stays what it was in the handshake (RFC 9000 §9); probes come from its others.
            return state.IsServer || tuple.Remote == path.Route.Tuple.Remote || !path.Route.IsValidated
                || path.RouteByTuple(tuple) is not null || state.Nat.IsNegotiated;
        }

        if (!state.IsServer && level == EncryptionLevel.Initial && !header.Token.IsEmpty) return false;
        var source = new ConnectionId(header.SourceId);
        if (state.PeerSource is { } known) return known == source;
        state.PeerSource = source;
        state.Path.RemoteIds.ReplaceFirst(source);
        return true;
    }

    /// <summary>A packet of a level was opened.</summary>
    public void OnOpened(EncryptionLevel level, FourTuple tuple)
    {
        if (state.FanOut.Length > 0)
        {
            // The address that answers first is the server's from now on.
            state.Path.Route.Tuple = tuple;
            state.FanOut = [];
        }

        if (!state.IsServer || level != EncryptionLevel.Handshake) return;
        // The client has our Handshake keys, so it receives at its address (RFC 9000 §8.1, RFC 9001 §4.9.1).
        state.Path.Route.Validate();
        DropInitial();
    }

    public QuicError? OnHandshakeDone()
    {
        if (state.IsServer) return QuicError.Violation(FrameType.HandshakeDone, "a client sent it");
        if (!state.Tls.IsComplete) return QuicError.Violation(FrameType.HandshakeDone, "before the handshake is done");
        Confirm();
        return null;
    }

    /// <summary>The server requires the token of its packet (RFC 9000 §17.2.5.2).</summary>
    public void OnRetry(in PacketHeader header, ReadOnlySpan<byte> packet)
    {
        if (state.IsServer || state.PeerSource is not null || state.RetrySource is not null || header.Token.IsEmpty
            || !RetryIntegrity.Verify(state.OriginalDestination, packet))
            return;
        var source = new ConnectionId(header.SourceId);
        if (source == state.OriginalDestination) return;

        state.RetrySource = source;
        state.Token = header.Token.ToArray();
        state.Path.RemoteIds.ReplaceFirst(source);
        state.InitialKeys!.Dispose();
        state.InitialKeys = LevelKeys.Initial(source, isServer: false);
        // What was sent is sent again, with numbers that go on.
        var send = state.Crypto[(int)EncryptionLevel.Initial].Send;
        LossDetector.Drop(state.InitialSpace);
        send.OnLost(0, (int)send.Next, fin: false);
    }

    /// <summary>The server does not support version 1, unless the packet is old or forged (RFC 9000 §6.2).</summary>
    public void OnVersionNegotiation(in PacketHeader header)
    {
        if (state.IsServer || state.PeerSource is not null || state.RetrySource is not null
            || header.ListsVersion(PacketHeader.Version1)
            || new ConnectionId(header.SourceId) != state.OriginalDestination)
            return;
        state.Abandon(new CloseReason(CloseKind.Version, 0, "the peer does not speak QUIC version 1"));
    }

    private QuicError? Complete(Instant now)
    {
        var peer = state.Tls.PeerParameters!;
        if (CheckIds(peer) is { } error) return error;

        state.PeerParameters = peer;
        var secrets = state.Tls.ApplicationSecrets!;
        state.OneRttKeys = state.IsServer
            ? new OneRttKeys(secrets.Suite, secrets.Server, secrets.Client)
            : new OneRttKeys(secrets.Suite, secrets.Client, secrets.Server);
        secrets.Clear();
        state.Tls.HandshakeSecrets!.Clear();
        state.Phase = ConnectionPhase.Connected;
        state.Streams.Start(peer);
        if (peer.InitialMaxPathId is not null && state.Options.OffersMultipath
            && state.Path.RemoteIds.Current.Length == 0)
            return QuicError.Violation(FrameType.Crypto, "multipath without connection ids");
        state.Path.RemoteIds.SetFirstToken(peer.StatelessResetToken);
        state.Paths.Start(peer);
        if (state.Paths.IsMultipath) state.Nat.Start(peer);
        state.Addresses.Start(peer);
        state.Path.Route.SearchMtu(MtuMax);
        if (!state.IsServer) state.Path.Route.Validate();
        state.Events.Enqueue(new QuicEvent(QuicEventKind.Connected));
        if (!state.IsServer) return null;
        state.NeedsHandshakeDone = true;
        Confirm();
        return null;
    }

    /// <summary>Ids in the parameters are those of the packets: none was replaced (RFC 9000 §7.3).</summary>
    private QuicError? CheckIds(TransportParameters peer)
    {
        var fits = peer.InitialSourceId == state.PeerSource
            && (state.IsServer
                || (peer.OriginalDestinationId == state.OriginalDestination
                    && peer.RetrySourceId == state.RetrySource));
        return fits
            ? null
            : new QuicError(
                TransportErrorCode.TransportParameterError, FrameType.Crypto, "connection ids do not match");
    }

    private LevelKeys KeysOf(TrafficSecrets secrets) => state.IsServer
        ? new LevelKeys(secrets.Suite, secrets.Server, secrets.Client)
        : new LevelKeys(secrets.Suite, secrets.Client, secrets.Server);

    /// <summary>Handshake keys are needed no longer (RFC 9001 §4.9.2).</summary>
    private void Confirm()
    {
        if (state.IsConfirmed) return;
        state.IsConfirmed = true;
        DropInitial();
        state.HandshakeKeys?.Dispose();
        state.HandshakeKeys = null;
        LossDetector.Drop(state.HandshakeSpace);
    }

    private void DropInitial()
    {
        if (state.InitialKeys is null) return;
        state.InitialKeys.Dispose();
        state.InitialKeys = null;
        LossDetector.Drop(state.InitialSpace);
    }
}

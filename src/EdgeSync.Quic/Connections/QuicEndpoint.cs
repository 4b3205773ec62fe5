using System.Diagnostics.CodeAnalysis;
using EdgeSync.Primitives;
using EdgeSync.Quic.Frames;
using EdgeSync.Quic.Packets;
using EdgeSync.Quic.Protection;

namespace EdgeSync.Quic.Connections;

/// <summary>
/// The connections behind one socket: leads datagrams to them by connection id, accepts new ones, and answers without
/// state what belongs to none. Spec: RFC 9000 §5.2, §6, §8.1, §10.3.
/// </summary>
public sealed class QuicEndpoint : IDisposable
{
    /// <summary>Handshakes that may go on before new clients must prove their address by a Retry.</summary>
    private const int HandshakesMax = 64;

    /// <summary>Servers whose tokens are kept.</summary>
    private const int PeerTokensMax = 256;

    /// <summary>Client Initial packets come in datagrams of at least this (RFC 9000 §14.1).</summary>
    private const int InitialDatagramMin = 1200;

    private const int FirstDestinationMin = 8;

    private readonly QuicOptions _options;
    private readonly Entropy _entropy;
    private readonly StatelessResetKey _resetKey;
    private readonly AddressTokens _tokens;
    private readonly Dictionary<ConnectionId, QuicConnection> _byId = [];
    private readonly List<QuicConnection> _connections = [];
    private readonly ConnectionSchedule _schedule = new();
    private readonly List<QuicConnection> _due = [];

    /// <summary>Tokens of servers for the next connection to each, by their keys.</summary>
    private readonly Dictionary<UInt128, byte[]> _tokensOfPeers = [];
    private readonly Queue<QuicConnection> _accepted = new();
    private readonly AnswerQueue _answers = new();
    private readonly FirstPacketBudget _budget;
    private int _handshakes;

    public QuicEndpoint(QuicOptions options, Entropy entropy)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(entropy);
        (_options, _entropy) = (options with { Growth = new WindowBudget(options.WindowGrowth) }, entropy);
        _resetKey = new StatelessResetKey(options.Key);
        _tokens = new AddressTokens(entropy);
        _budget = new FirstPacketBudget(entropy);
    }

    /// <summary>Whether clients are taken.</summary>
    public bool Accepts { get; init; }

    /// <summary>Whether every client must prove its address first, which costs a round trip.</summary>
    public bool AlwaysRetries { get; init; }

    /// <summary>Whether clients get a token that saves them a Retry the next time.</summary>
    public bool IssuesTokens { get; init; } = true;

    /// <summary>Connections that are not closed.</summary>
    public int Count => _connections.Count;

    /// <summary>First packets, and packets of no connection, whose source had its share of answers.</summary>
    internal long Dropped => _budget.Dropped;

    /// <summary>Ids that lead to connections.</summary>
    internal int IdCount => _byId.Count;

    /// <summary>Dials a server.</summary>
    /// <param name="others">
    /// More addresses at which it may be: the first packets go to all of them, and the first that answers is used.
    /// </param>
    /// <param name="alpn">Protocols on offer; null for those of the endpoint's options.</param>
    /// <param name="adapt">Puts other options over those of the endpoint, for this connection; not other ids.</param>
    public QuicConnection Connect(
        byte[]? expectedPeer, FourTuple tuple, Instant now, IReadOnlyList<FourTuple>? others = null,
        IReadOnlyList<byte[]>? alpn = null, Func<QuicOptions, QuicOptions>? adapt = null)
    {
        var token = expectedPeer is not null && _tokensOfPeers.Remove(PrefixOf(expectedPeer), out var kept) ? kept : [];
        var options = alpn is null ? _options : _options with { Alpn = alpn };
        if (adapt is not null) options = adapt(options);
        var connection = QuicConnection.Connect(
            options, expectedPeer, _resetKey, tuple, [.. others ?? []], token, now, _entropy);
        Add(connection, null);
        return connection;
    }

    /// <summary>Takes the next connection that a client has opened; its handshake goes on.</summary>
    public bool TryAccept([NotNullWhen(true)] out QuicConnection? connection) => _accepted.TryDequeue(out connection);

    /// <summary>
    /// The next connection with events, which the caller takes: all of them. A connection that has none costs nothing.
    /// </summary>
    public bool TryTakeEventful([NotNullWhen(true)] out QuicConnection? connection) =>
        _schedule.TryTakeEventful(out connection!);

    /// <summary>Takes a datagram, which is decrypted in place.</summary>
    public void Receive(Instant now, FourTuple tuple, EcnMark ecn, Span<byte> datagram)
    {
        var fault = PacketHeader.TryRead(datagram, _options.LocalIdBytes, out var header);
        if (fault == HeaderFault.Version && Accepts && datagram.Length >= InitialDatagramMin
            && _budget.TryTake(now, tuple.Remote))
            AnswerVersion(tuple, header);
        if (fault != HeaderFault.None) return;

        if (header.DestinationId.Length <= ConnectionId.MaxLength
            && _byId.TryGetValue(new ConnectionId(header.DestinationId), out var connection))
        {
            connection.Receive(now, tuple, ecn, datagram);
            Settle(now, connection);
            return;
        }

        if (header.Type == PacketType.Initial) TakeInitial(now, tuple, ecn, datagram, header);
        else if (header.Type == PacketType.OneRtt && !IsReset(now, tuple, datagram)
            && _budget.TryTake(now, tuple.Remote))
            AnswerReset(tuple, datagram.Length, header);
    }

    /// <summary>When <see cref="OnDeadline"/> is due.</summary>
    public Instant? Deadline() => _schedule.Deadline();

    public void OnDeadline(Instant now)
    {
        _schedule.TakeDue(now, _due);
        foreach (var connection in _due) connection.OnDeadline(now);
        _due.Clear();
        // Those that are over were touched when they ended.
        foreach (var connection in _schedule.Ready) Settle(now, connection);
    }

    /// <summary>Writes the next datagram of any connection, each in its turn.</summary>
    public bool TryTakeDatagram(Instant now, Span<byte> buffer, out OutgoingDatagram datagram)
    {
        if (_answers.TryTake(buffer, out var length, out var tuple))
        {
            datagram = new OutgoingDatagram(length, tuple, EcnMark.NotEct);
            return true;
        }

        while (_schedule.TryTakeReady(out var connection))
        {
            var isWritten = connection.TryTakeDatagram(now, buffer, out datagram);
            Settle(now, connection);
            if (!isWritten)
            {
                _schedule.Wait(connection);
                continue;
            }

            // It has its turn again when the others had theirs.
            _schedule.OnTouched(connection);
            return true;
        }

        datagram = default;
        return false;
    }

    public void Dispose()
    {
        foreach (var connection in _connections) connection.Dispose();
        _tokens.Dispose();
    }

    private bool IsReset(Instant now, FourTuple tuple, ReadOnlySpan<byte> datagram)
    {
        foreach (var connection in _connections)
            if (connection.TryReset(now, tuple, datagram)) return true;
        return false;
    }

    private void TakeInitial(Instant now, FourTuple tuple, EcnMark ecn, Span<byte> datagram, in PacketHeader header)
    {
        if (!Accepts || datagram.Length < InitialDatagramMin) return;
        // Before anything is decrypted: what a flood costs is the sum of this and one answer for some of its packets.
        var isLoaded = _budget.IsExceededBy(now) || _handshakes >= HandshakesMax;
        if (isLoaded && (_answers.IsFull || !_budget.TryTake(now, tuple.Remote))) return;
        var destination = new ConnectionId(header.DestinationId);
        var source = new ConnectionId(header.SourceId);
        if (destination.Length < FirstDestinationMin)
        {
            AnswerClose(tuple, destination, source, TransportErrorCode.ProtocolViolation);
            return;
        }

        var verdict = _tokens.Read(now, tuple.Remote, header.Token, out var original);
        if (verdict == TokenVerdict.Invalid)
        {
            // It would not take another Retry (RFC 9000 §8.1.3).
            AnswerClose(tuple, destination, source, TransportErrorCode.InvalidToken);
            return;
        }

        if (verdict == TokenVerdict.Unknown && (AlwaysRetries || isLoaded))
        {
            AnswerRetry(now, tuple, destination, source);
            return;
        }

        var connection = QuicConnection.Accept(
            _options, destination, source, verdict == TokenVerdict.Retried ? original : null,
            isValidated: verdict is TokenVerdict.Retried or TokenVerdict.Known, _resetKey, tuple, now, _entropy);
        connection.Receive(now, tuple, ecn, datagram);
        if (connection.State.PeerSource is null)
        {
            // Not one packet of it could be opened.
            connection.Dispose();
            return;
        }

        Add(connection, destination);
        Settle(now, connection);
        _accepted.Enqueue(connection);
    }

    private void Add(QuicConnection connection, ConnectionId? firstDestination)
    {
        var entry = new ConnectionSchedule.Entry(connection)
        {
            FirstDestination = firstDestination,
            Index = _connections.Count,
            IsHandshake = connection.IsServer,
        };
        _connections.Add(connection);
        if (entry.IsHandshake) _handshakes++;
        if (firstDestination is { } first) _byId[first] = connection;
        _byId[connection.State.LocalSource] = connection;
        _schedule.Add(entry);
    }

    /// <summary>Takes in what became of a connection: its ids, its handshake, its end.</summary>
    private void Settle(Instant now, QuicConnection connection)
    {
        var entry = connection.ScheduleEntry!;
        if (entry.Index < 0) return;
        while (connection.State.Paths.Changes.TryDequeue(out var change))
        {
            if (change.Added) _byId[change.Id] = connection;
            else _byId.Remove(change.Id);
        }

        if (entry.IsHandshake && connection.State.Phase != ConnectionPhase.Handshake)
        {
            entry.IsHandshake = false;
            _handshakes--;
            IssueToken(now, connection);
        }

        if (!connection.IsServer && connection.State.NewToken is { } token) Keep(connection, token);
        if (connection.IsClosed) Remove(connection, entry);
    }

    private void IssueToken(Instant now, QuicConnection connection)
    {
        if (!IssuesTokens || !connection.IsConnected || connection.Route.Remote.IsRelayed) return;
        connection.State.NewToken = _tokens.NewToken(now, connection.Route.Remote);
        connection.State.NeedsToken = true;
    }

    private void Keep(QuicConnection connection, byte[] token)
    {
        connection.State.NewToken = null;
        // A server with a certificate is not known by a key.
        if (connection.PeerKey.IsEmpty) return;
        if (_tokensOfPeers.Count >= PeerTokensMax) _tokensOfPeers.Clear();
        _tokensOfPeers[PrefixOf(connection.PeerKey.Span)] = token;
    }

    /// <summary>A part of the key, so that the token of another server proves nothing here.</summary>
    private static UInt128 PrefixOf(ReadOnlySpan<byte> key) =>
        System.Buffers.Binary.BinaryPrimitives.ReadUInt128BigEndian(key);

    private void Remove(QuicConnection connection, ConnectionSchedule.Entry entry)
    {
        foreach (var ids in connection.State.Paths.Ids)
            foreach (var (_, id) in ids.Local.Active) _byId.Remove(id);
        if (entry.FirstDestination is { } first) _byId.Remove(first);
        var last = _connections[^1];
        _connections[entry.Index] = last;
        last.ScheduleEntry!.Index = entry.Index;
        _connections.RemoveAt(_connections.Count - 1);
        entry.Index = -1;
    }

    private void AnswerVersion(FourTuple tuple, in PacketHeader header)
    {
        var writer = new WireWriter(stackalloc byte[7 + 255 + 255 + 8]);
        Span<byte> random = stackalloc byte[1];
        _entropy.Fill(random);
        PacketWriter.WriteVersionNegotiation(ref writer, random[0], header.DestinationId, header.SourceId);
        Answer(tuple, writer.Written);
    }

    private void AnswerRetry(Instant now, FourTuple tuple, ConnectionId original, ConnectionId client)
    {
        Span<byte> token = stackalloc byte[AddressTokens.MaxBytes];
        token = token[.._tokens.Write(now, tuple.Remote, original, token)];
        var source = ConnectionId.NewRandom(_entropy, Math.Max(FirstDestinationMin, _options.LocalIdBytes));
        Span<byte> packet = stackalloc byte[256];
        var writer = new WireWriter(packet);
        PacketWriter.WriteRetry(ref writer, client, source, token);
        var length = writer.Position;
        RetryIntegrity.Compute(original, packet[..length], packet[length..]);
        Answer(tuple, packet[..(length + PacketHeader.RetryTagBytes)]);
    }

    /// <summary>
    /// Ends a connection that is not known, or not any more: random bytes and the token of its id. Always smaller than
    /// what it answers, so that two endpoints cannot keep at it (RFC 9000 §10.3.3).
    /// </summary>
    private void AnswerReset(FourTuple tuple, int datagramBytes, in PacketHeader header)
    {
        const int BytesMin = 21;
        const int BytesMax = 42;
        if (datagramBytes <= BytesMin || _options.LocalIdBytes == 0) return;
        Span<byte> packet = stackalloc byte[Math.Min(BytesMax, datagramBytes - 1)];
        _entropy.Fill(packet);
        packet[0] = (byte)(0x40 | (packet[0] & 0x3f));
        _resetKey.WriteToken(new ConnectionId(header.DestinationId), packet[^TransportParameters.ResetTokenBytes..]);
        Answer(tuple, packet);
    }

    /// <summary>Refuses a client's first packet, without keeping anything of it.</summary>
    private void AnswerClose(FourTuple tuple, ConnectionId destination, ConnectionId source, ulong code)
    {
        Span<byte> packet = stackalloc byte[128];
        var writer = new WireWriter(packet);
        var lengthAt = PacketWriter.WriteLong(
            ref writer, PacketType.Initial, source, destination, [], 0, numberSize: 1);
        var payloadAt = writer.Position;
        FrameWriter.WriteClose(ref writer, FrameType.ConnectionClose, code, 0, []);
        var end = writer.Position + PacketKeys.TagBytes;
        PacketWriter.WriteLength(packet[lengthAt..], end - payloadAt + 1);
        using var keys = LevelKeys.Initial(destination, isServer: true);
        keys.Send.Seal(packet[..payloadAt], packet[payloadAt..end], 0);
        HeaderProtection.Apply(keys.SendMask, packet[..end], payloadAt - 1, 1);
        Answer(tuple, packet[..end]);
    }

    private void Answer(FourTuple tuple, ReadOnlySpan<byte> packet) => _answers.Add(tuple, packet);
}

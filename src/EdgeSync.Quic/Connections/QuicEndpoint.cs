using System.Diagnostics.CodeAnalysis;
using EdgeSync.Primitives;
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

    /// <summary>Answers without state that may wait; more are dropped.</summary>
    private const int AnswersMax = 64;

    /// <summary>Client Initial packets come in datagrams of at least this (RFC 9000 §14.1).</summary>
    private const int InitialDatagramMin = 1200;

    private const int FirstDestinationMin = 8;

    private readonly QuicOptions _options;
    private readonly Entropy _entropy;
    private readonly StatelessResetKey _resetKey;
    private readonly AddressTokens _tokens;
    private readonly Dictionary<ConnectionId, QuicConnection> _byId = [];
    private readonly List<Entry> _connections = [];
    private readonly Queue<QuicConnection> _accepted = new();
    private readonly Queue<(FourTuple Tuple, byte[] Bytes)> _answers = new();
    private int _turn;

    public QuicEndpoint(QuicOptions options, Entropy entropy)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(entropy);
        (_options, _entropy) = (options, entropy);
        _resetKey = new StatelessResetKey(entropy);
        _tokens = new AddressTokens(entropy);
    }

    /// <summary>Whether clients are taken.</summary>
    public bool Accepts { get; init; }

    /// <summary>Whether every client must prove its address first, which costs a round trip.</summary>
    public bool AlwaysRetries { get; init; }

    /// <summary>Connections that are not closed.</summary>
    public int Count => _connections.Count;

    /// <summary>Ids that lead to connections.</summary>
    internal int IdCount => _byId.Count;

    /// <summary>Dials a server.</summary>
    public QuicConnection Connect(byte[]? expectedPeer, FourTuple tuple, Instant now)
    {
        var connection = QuicConnection.Connect(_options, expectedPeer, _resetKey, tuple, now, _entropy);
        Add(connection, null);
        return connection;
    }

    /// <summary>Takes the next connection that a client has opened; its handshake goes on.</summary>
    public bool TryAccept([NotNullWhen(true)] out QuicConnection? connection) => _accepted.TryDequeue(out connection);

    /// <summary>Takes a datagram, which is decrypted in place.</summary>
    public void Receive(Instant now, FourTuple tuple, EcnMark ecn, Span<byte> datagram)
    {
        var fault = PacketHeader.TryRead(datagram, _options.LocalIdBytes, out var header);
        if (fault == HeaderFault.Version && Accepts && datagram.Length >= InitialDatagramMin)
            AnswerVersion(tuple, header);
        if (fault != HeaderFault.None) return;

        if (header.DestinationId.Length <= ConnectionId.MaxLength
            && _byId.TryGetValue(new ConnectionId(header.DestinationId), out var connection))
        {
            connection.Receive(now, tuple, ecn, datagram);
            FollowIds(connection);
            return;
        }

        if (header.Type == PacketType.Initial) TakeInitial(now, tuple, ecn, datagram, header);
        else if (header.Type == PacketType.OneRtt && !IsReset(now, tuple, datagram))
            AnswerReset(tuple, datagram.Length, header);
    }

    /// <summary>When <see cref="OnDeadline"/> is due.</summary>
    public Instant? Deadline()
    {
        Instant? earliest = null;
        foreach (var entry in _connections)
        {
            var deadline = entry.Connection.Deadline();
            if (deadline is not null && (earliest is null || deadline < earliest)) earliest = deadline;
        }

        return earliest;
    }

    public void OnDeadline(Instant now)
    {
        foreach (var entry in _connections)
            if (entry.Connection.Deadline() <= now) entry.Connection.OnDeadline(now);
        RemoveClosed();
    }

    /// <summary>Writes the next datagram of any connection, each in its turn.</summary>
    public bool TryTakeDatagram(Instant now, Span<byte> buffer, out OutgoingDatagram datagram)
    {
        if (_answers.TryDequeue(out var answer))
        {
            answer.Bytes.CopyTo(buffer);
            datagram = new OutgoingDatagram(answer.Bytes.Length, answer.Tuple, EcnMark.NotEct);
            return true;
        }

        for (var i = 0; i < _connections.Count; i++)
        {
            var connection = _connections[(_turn + i) % _connections.Count].Connection;
            var isWritten = connection.TryTakeDatagram(now, buffer, out datagram);
            FollowIds(connection);
            if (!isWritten) continue;
            _turn = (_turn + i + 1) % _connections.Count;
            return true;
        }

        datagram = default;
        return false;
    }

    public void Dispose()
    {
        foreach (var entry in _connections) entry.Connection.Dispose();
        _tokens.Dispose();
    }

    private bool IsReset(Instant now, FourTuple tuple, ReadOnlySpan<byte> datagram)
    {
        foreach (var entry in _connections)
            if (entry.Connection.TryReset(now, tuple, datagram)) return true;
        return false;
    }

    private void TakeInitial(Instant now, FourTuple tuple, EcnMark ecn, Span<byte> datagram, in PacketHeader header)
    {
        if (!Accepts || datagram.Length < InitialDatagramMin) return;
        if (header.DestinationId.Length < FirstDestinationMin) return;

        var destination = new ConnectionId(header.DestinationId);
        var source = new ConnectionId(header.SourceId);
        ConnectionId? retried = null;
        if (_tokens.TryRead(now, tuple.Remote, header.Token, out var original)) retried = original;
        if (retried is null && (AlwaysRetries || CountHandshakes() >= HandshakesMax))
        {
            // A client with a token that is not ours would not take another Retry: it is let go.
            if (header.Token.IsEmpty) AnswerRetry(now, tuple, destination, source);
            return;
        }

        var connection = QuicConnection.Accept(
            _options, destination, source, retried, _resetKey, tuple, now, _entropy);
        connection.Receive(now, tuple, ecn, datagram);
        if (connection.State.PeerSource is null)
        {
            // Not one packet of it could be opened.
            connection.Dispose();
            return;
        }

        Add(connection, destination);
        _accepted.Enqueue(connection);
    }

    private int CountHandshakes()
    {
        var count = 0;
        foreach (var entry in _connections)
            if (entry.Connection.State.Phase == ConnectionPhase.Handshake && entry.Connection.IsServer) count++;
        return count;
    }

    private void Add(QuicConnection connection, ConnectionId? firstDestination)
    {
        var entry = new Entry(connection, firstDestination);
        _connections.Add(entry);
        if (firstDestination is { } first) _byId[first] = connection;
        _byId[connection.State.LocalSource] = connection;
        FollowIds(connection);
    }

    private void FollowIds(QuicConnection connection)
    {
        while (connection.State.Path.LocalIds.Changes.TryDequeue(out var change))
        {
            if (change.Added) _byId[change.Id] = connection;
            else _byId.Remove(change.Id);
        }
    }

    private void RemoveClosed()
    {
        for (var i = _connections.Count - 1; i >= 0; i--)
        {
            var (connection, firstDestination) = _connections[i];
            if (!connection.IsClosed) continue;
            FollowIds(connection);
            foreach (var (_, id) in connection.State.Path.LocalIds.Active) _byId.Remove(id);
            if (firstDestination is { } first) _byId.Remove(first);
            _connections.RemoveAt(i);
        }
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

    private void Answer(FourTuple tuple, ReadOnlySpan<byte> packet)
    {
        if (_answers.Count < AnswersMax) _answers.Enqueue((tuple, packet.ToArray()));
    }

    private sealed record Entry(QuicConnection Connection, ConnectionId? FirstDestination);
}

using System.Buffers.Binary;
using EdgeSync.Primitives;
using EdgeSync.Quic.Connections;
using EdgeSync.Quic.Frames;
using EdgeSync.Quic.Packets;

namespace EdgeSync.Quic.Paths;

/// <summary>
/// Which addresses the two sides could reach each other at, and the probes that find out. The server names its
/// candidates; the client starts rounds, names its own in each, and both send probes to those of the other, so that
/// NATs on both sides let the other's in. A probe that is answered proves an address; the client then opens a path to
/// it. Spec: draft-bruynooghe-n0-quic-nat-traversal §3, §4.
/// </summary>
internal sealed class NatTraversal(QuicOptions options, bool isServer, Entropy entropy)
{
    /// <summary>Probes to one address in a round.</summary>
    private const int AttemptsMax = 9;

    /// <summary>Challenges of a round whose answers are taken.</summary>
    private const int ChallengesMax = 1024;

    private static readonly TimeSpan IntervalMax = TimeSpan.FromSeconds(2);

    /// <summary>A peer cannot make this endpoint probe more often by changing its addresses.</summary>
    private static readonly TimeSpan RoundGap = TimeSpan.FromSeconds(1);

    /// <summary>Between rounds while there is no direct path, and while there is none that is near.</summary>
    private static readonly TimeSpan RelayedInterval = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan FarInterval = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan NearRtt = TimeSpan.FromMilliseconds(10);

    private readonly List<UdpAddress> _candidates = [];

    /// <summary>Candidates by number: a server's own, or those that the server named to this client.</summary>
    private readonly SortedDictionary<ulong, UdpAddress> _numbered = [];

    private readonly List<Probe> _probes = [];
    private readonly Dictionary<ulong, UdpAddress> _challenges = [];
    private readonly Queue<SentFrame> _frames = new();
    private readonly List<UdpAddress> _announced = [];
    private ulong _nextNumber;
    private ulong _round;
    private int _attempt;
    private int _peerLimit;
    private bool _wantsRound;
    private Instant? _roundAt;
    private Instant? _retryAt;

    /// <summary>Both sides support it.</summary>
    public bool IsNegotiated { get; private set; }

    public bool HasFrames => _frames.Count > 0;

    /// <summary>The number of the round that goes on, or went on last.</summary>
    public ulong Round => _round;

    /// <summary>The addresses that the server named, or those of the client's last round.</summary>
    public IReadOnlyList<UdpAddress> Remote =>
        isServer ? [.. _probes.Select(probe => probe.Address)] : [.. _numbered.Values];

    /// <summary>The handshake is complete, with multipath.</summary>
    public void Start(TransportParameters peer)
    {
        if (options.NatAddresses == 0 || peer.NatTraversalAddresses is not { } limit) return;
        (IsNegotiated, _peerLimit) = (true, limit);
        var candidates = _candidates.ToArray();
        _candidates.Clear();
        SetCandidates(candidates);
    }

    /// <summary>Addresses at which this endpoint could be reached; all of them, again whenever they change.</summary>
    public void SetCandidates(IEnumerable<UdpAddress> candidates)
    {
        var wanted = candidates.Where(IsCandidate).Distinct().ToList();
        if (wanted.SequenceEqual(_candidates)) return;
        _candidates.Clear();
        _candidates.AddRange(wanted);
        if (!IsNegotiated) return;
        if (isServer) Announce();
        else _wantsRound = true;
    }

    public QuicError? OnAddress(in Frame frame)
    {
        if (isServer) return QuicError.Violation(frame.Type, "a client sent it");
        if (frame.Type == FrameType.RemoveAddress)
        {
            if (_numbered.Remove(frame.Sequence, out var gone)) _probes.RemoveAll(probe => probe.Address == gone);
            return null;
        }

        // What exceeds the limit is ignored.
        if (!IsCandidate(frame.Address)
            || (!_numbered.ContainsKey(frame.Sequence) && _numbered.Count >= options.NatAddresses))
            return null;
        if (_numbered.TryGetValue(frame.Sequence, out var known) && known == frame.Address) return null;
        _numbered[frame.Sequence] = frame.Address;
        // It joins the round that goes on.
        if (_retryAt is not null) AddProbe(frame.Address);
        else _wantsRound = true;
        return null;
    }

    public QuicError? OnReachOut(Instant now, in Frame frame)
    {
        if (!isServer) return QuicError.Violation(frame.Type, "a server sent it");
        if (frame.Value < _round || !IsCandidate(frame.Address)) return null;
        if (frame.Value > _round)
        {
            Begin(now);
            _round = frame.Value;
        }

        if (_probes.Count < options.NatAddresses) AddProbe(frame.Address);
        return null;
    }

    /// <summary>Whether an answer proves an address that was probed.</summary>
    public bool OnPathResponse(FourTuple tuple, ReadOnlySpan<byte> data)
    {
        var challenge = BinaryPrimitives.ReadUInt64BigEndian(data);
        if (!_challenges.TryGetValue(challenge, out var probed) || probed != tuple.Remote) return false;
        _challenges.Remove(challenge);
        if (_probes.Find(probe => probe.Address == tuple.Remote) is { } probe)
            (probe.IsDone, probe.IsPending) = (true, false);
        return true;
    }

    /// <summary>When <see cref="OnDeadline"/> is due.</summary>
    /// <param name="directRtt">The round trip of the best direct path; null when there is none.</param>
    public Instant? Deadline(TimeSpan? directRtt)
    {
        if (!IsNegotiated) return null;
        var round = RoundDeadline(directRtt);
        return round is null || _retryAt < round ? _retryAt : round;
    }

    public void OnDeadline(Instant now, TimeSpan? directRtt, PathTable paths)
    {
        if (!IsNegotiated) return;
        if (now >= RoundDeadline(directRtt)) StartRound(now, paths);
        if (!(now >= _retryAt)) return;

        _attempt++;
        foreach (var probe in _probes) probe.IsPending = !probe.IsDone && probe.Attempts < AttemptsMax;
        SetRetry(now);
    }

    /// <summary>The network changed: what was found out before counts no longer.</summary>
    public void OnNetworkChange() => _wantsRound = IsNegotiated && !isServer;

    /// <summary>The next address to probe.</summary>
    public bool TryTakeProbe(out UdpAddress address)
    {
        address = default;
        foreach (var probe in _probes)
        {
            if (!probe.IsPending) continue;
            probe.IsPending = false;
            probe.Attempts++;
            address = probe.Address;
            return true;
        }

        return false;
    }

    /// <summary>Makes the content of a PATH_CHALLENGE to an address.</summary>
    public void WriteChallenge(in UdpAddress address, Span<byte> challenge)
    {
        entropy.Fill(challenge);
        if (_challenges.Count < ChallengesMax)
            _challenges[BinaryPrimitives.ReadUInt64BigEndian(challenge)] = address;
    }

    /// <summary>Writes the next frame that is still true.</summary>
    public bool TryWriteFrame(ref WireWriter writer, out SentFrame sent)
    {
        while (_frames.TryPeek(out sent) && writer.Remaining >= FrameWriter.AddressMax)
        {
            _frames.Dequeue();
            if (!IsCurrent(sent)) continue;
            switch (sent.Kind)
            {
                case SentKind.AddAddress:
                    FrameWriter.WriteAddress(ref writer, FrameType.AddAddressV4, sent.Id, _numbered[sent.Id]);
                    return true;
                case SentKind.ReachOut:
                    FrameWriter.WriteAddress(
                        ref writer, FrameType.ReachOutV4, sent.Id, _announced[(int)sent.Offset]);
                    return true;
                default:
                    FrameWriter.WriteValue(ref writer, FrameType.RemoveAddress, sent.Id);
                    return true;
            }
        }

        return false;
    }

    public void OnLost(in SentFrame frame)
    {
        if (IsCurrent(frame)) _frames.Enqueue(frame);
    }

    private bool IsCurrent(in SentFrame frame) => frame.Kind switch
    {
        SentKind.AddAddress => _numbered.ContainsKey(frame.Id),
        SentKind.ReachOut => frame.Id == _round && (int)frame.Offset < _announced.Count,
        _ => !_numbered.ContainsKey(frame.Id),
    };

    private Instant? RoundDeadline(TimeSpan? directRtt)
    {
        if (isServer || (_candidates.Count == 0 && _numbered.Count == 0)) return null;
        if (_roundAt is not { } last) return Instant.FromUnixMilliseconds(0);
        if (_wantsRound) return last + RoundGap;
        return directRtt is null ? last + RelayedInterval : directRtt > NearRtt ? last + FarInterval : null;
    }

    private void StartRound(Instant now, PathTable paths)
    {
        Begin(now);
        _round++;
        (_wantsRound, _roundAt) = (false, now);
        foreach (var address in _numbered.Values)
            if (paths.FindByRemote(address) is not { IsUsable: true, IsFailing: false }) AddProbe(address);
        _announced.Clear();
        foreach (var candidate in _candidates.Take(_peerLimit))
        {
            _announced.Add(candidate);
            _frames.Enqueue(new SentFrame(SentKind.ReachOut, _round, (ulong)_announced.Count - 1));
        }
    }

    private void Begin(Instant now)
    {
        _probes.Clear();
        _challenges.Clear();
        _attempt = 0;
        SetRetry(now);
    }

    private void SetRetry(Instant now)
    {
        // Spec: 33 ms, 33 ms, 67 ms, 133 ms, ... of the initial round trip of 333 ms, at most 2 s.
        var interval = options.InitialRtt / 10 * (1 << Math.Max(0, _attempt - 1));
        _retryAt = _attempt < AttemptsMax ? now + (interval < IntervalMax ? interval : IntervalMax) : null;
    }

    private void AddProbe(UdpAddress address)
    {
        if (_probes.Exists(probe => probe.Address == address)) return;
        _probes.Add(new Probe { Address = address, IsPending = true });
    }

    /// <summary>A server announces the changes of its candidates to the client.</summary>
    private void Announce()
    {
        foreach (var (number, address) in _numbered.ToArray())
        {
            if (_candidates.Contains(address)) continue;
            _numbered.Remove(number);
            _frames.Enqueue(new SentFrame(SentKind.RemoveAddress, number));
        }

        foreach (var candidate in _candidates)
        {
            if (_numbered.Count >= _peerLimit) return;
            if (_numbered.ContainsValue(candidate)) continue;
            _numbered.Add(_nextNumber, candidate);
            _frames.Enqueue(new SentFrame(SentKind.AddAddress, _nextNumber++));
        }
    }

    /// <summary>Addresses that a datagram can be sent to; relayed ones are known to this endpoint alone.</summary>
    /// <summary>Whether datagrams can be sent there.</summary>
    public static bool IsCandidate(UdpAddress address)
    {
        if (address.Port == 0 || address.IsRelayed || address.IsUnspecified) return false;
        var isMulticast = address.IsIPv4 ? (uint)address.Bits >> 28 >= 0xe : (byte)(address.Bits >> 120) == 0xff;
        return !isMulticast;
    }

    private sealed class Probe
    {
        public required UdpAddress Address { get; init; }

        public bool IsPending { get; set; }

        public bool IsDone { get; set; }

        public int Attempts { get; set; }
    }
}

using EdgeSync.Primitives;
using EdgeSync.Quic.Recovery;

namespace EdgeSync.Quic.Paths;

/// <summary>
/// What belongs to one 4-tuple: round-trip time, window, MTU, validation. Spec: RFC 9000 §8, §9.
/// </summary>
internal sealed class Route(int id, FourTuple tuple, TimeSpan initialRtt, bool isValidated)
{
    /// <summary>Attempts at validation before the route counts as dead.</summary>
    private const int ChallengesMax = 4;

    public int Id { get; } = id;

    /// <summary>Set once more when the first answer of a server comes from another of its addresses.</summary>
    public FourTuple Tuple { get; set; } = tuple;

    public RttEstimator Rtt { get; private set; } = new(initialRtt);

    public Cubic Congestion { get; private set; } = new(MtuSearch.Base);

    public Pacer Pacer { get; } = new();

    public MtuSearch Mtu { get; } = new();

    /// <summary>The peer is known to receive here.</summary>
    public bool IsValidated { get; private set; } = isValidated;

    public long BytesReceived { get; set; }

    public long BytesSent { get; set; }

    /// <summary>Whether packets carry ECT(0): until the peer's counts do not add up (RFC 9000 §13.4.2).</summary>
    public bool UsesEcn { get; set; }

    /// <summary>What a PATH_RESPONSE must carry, while validation is going on.</summary>
    public byte[]? Challenge { get; private set; }

    /// <summary>When the challenge is sent again.</summary>
    public Instant? ChallengeDeadline { get; private set; }

    public bool ChallengePending { get; private set; }

    public int Challenges { get; private set; }

    public bool HasFailed => Challenges > ChallengesMax;

    /// <summary>
    /// Bytes that may be sent before the peer is validated: three for each that came (RFC 9000 §8.1).
    /// </summary>
    public long Allowance => IsValidated ? long.MaxValue : (3 * BytesReceived) - BytesSent;

    /// <summary>The route was chosen here: nothing limits what is sent to it (RFC 9000 §8.2).</summary>
    public void LiftLimit() => BytesReceived = long.MaxValue / 8;

    /// <summary>
    /// Looks for the largest datagram that arrives, up to a limit. A relayed route keeps the smallest: what the relay
    /// takes says nothing of the network behind it.
    /// </summary>
    public void SearchMtu(int maximum)
    {
        if (!Tuple.Remote.IsRelayed) Mtu.Start(maximum);
    }

    /// <summary>Only the port changed: the same link, most likely (RFC 9000 §9.4).</summary>
    public void Inherit(Route other) => (Rtt, Congestion) = (other.Rtt, other.Congestion);

    public void Validate() => (IsValidated, Challenge, ChallengePending, ChallengeDeadline) = (true, null, false, null);

    public void StartValidation(Entropy entropy)
    {
        Challenge = new byte[8];
        entropy.Fill(Challenge);
        ChallengePending = true;
    }

    public void OnChallengeSent(Instant now, TimeSpan pto)
    {
        ChallengePending = false;
        ChallengeDeadline = now + (pto * (1 << Challenges++));
    }

    public void OnDeadline(Instant now)
    {
        if (ChallengeDeadline > now || ChallengeDeadline is null) return;
        (ChallengeDeadline, ChallengePending) = (null, !HasFailed);
    }

    public void StopValidation() => (Challenge, ChallengePending, ChallengeDeadline) = (null, false, null);
}

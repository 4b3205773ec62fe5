using EdgeSync.Iroh.Endpoints;
using EdgeSync.Primitives;

namespace EdgeSync.Can.Sync.Passphrase;

/// <summary>
/// Limits guesses: each failed proof is one (ADR 82). Endpoint ids cost nothing, so failures count for the source, an
/// address, of a peer that has never proved the passphrase; one that has proved it has an account of its own. So a peer
/// that fails holds up nobody at another address. What all sources together may cost is a rate of proofs, and no block:
/// it is open again within a moment.
/// </summary>
/// <param name="failuresMax">Of a source, in <paramref name="memoryMinutes"/>.</param>
/// <param name="memoryMinutes">For which a failure counts.</param>
/// <param name="proofsPerSecond">Of all peers that have never proved it, after a burst.</param>
/// <param name="proofsBurst">So many at once.</param>
public sealed class ProofGate(
    int failuresMax = 30, int memoryMinutes = 60, double proofsPerSecond = 2, int proofsBurst = 32)
{
    private const string Realm = "can-sync";
    private const int KnownMax = 4096;

    private readonly LoginThrottle _throttle = new(failuresMax, TimeSpan.FromMinutes(memoryMinutes));
    private readonly HashSet<EndpointId> _known = [];
    private double _available = proofsBurst;
    private Instant _at;

    /// <summary>Whether a proof with that peer may begin; if so, it has begun.</summary>
    /// <param name="now">The time.</param>
    /// <param name="peer">The endpoint.</param>
    /// <param name="source">Where it is: what an attacker cannot have as many of as of ids.</param>
    public bool MayTry(Instant now, EndpointId peer, string source)
    {
        if (_throttle.WaitOf(AccountOf(peer, source), Realm, now) > TimeSpan.Zero) return false;
        if (_known.Contains(peer)) return true;

        if (now > _at) _available = Math.Min(proofsBurst, _available + ((now - _at).TotalSeconds * proofsPerSecond));
        _at = now;
        if (_available < 1) return false;

        _available--;
        return true;
    }

    public void OnFailure(Instant now, EndpointId peer, string source) =>
        _throttle.OnFailure(AccountOf(peer, source), Realm, Realm, now);

    public void OnProved(EndpointId peer)
    {
        if (_known.Count < KnownMax) _known.Add(peer);
    }

    private string AccountOf(EndpointId peer, string source) =>
        _known.Contains(peer) ? peer.ToString() : "at " + source;
}

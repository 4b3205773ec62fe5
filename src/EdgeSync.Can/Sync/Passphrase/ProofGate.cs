using EdgeSync.Iroh.Endpoints;
using EdgeSync.Primitives;

namespace EdgeSync.Can.Sync.Passphrase;

/// <summary>
/// Limits guesses: each failed proof is one. Endpoint ids cost nothing, so all strangers share one account; a peer
/// that has proved the passphrase before has its own, and strangers cannot lock it out.
/// </summary>
public sealed class ProofGate(int failuresMax = 30, int memoryMinutes = 60)
{
    private const string Realm = "can-sync";
    private const int KnownMax = 4096;

    private readonly LoginThrottle _throttle = new(failuresMax, TimeSpan.FromMinutes(memoryMinutes));
    private readonly HashSet<EndpointId> _known = [];

    /// <summary>Whether a proof with that peer may begin.</summary>
    public bool MayTry(Instant now, EndpointId peer) =>
        _throttle.WaitOf(AccountOf(peer), Realm, now) == TimeSpan.Zero;

    public void OnFailure(Instant now, EndpointId peer) => _throttle.OnFailure(AccountOf(peer), Realm, Realm, now);

    public void OnProved(EndpointId peer)
    {
        if (_known.Count < KnownMax) _known.Add(peer);
    }

    private string AccountOf(EndpointId peer) => _known.Contains(peer) ? peer.ToString() : "strangers";
}

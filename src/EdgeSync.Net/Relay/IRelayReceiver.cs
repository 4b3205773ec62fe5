using EdgeSync.Iroh.Relay;

namespace EdgeSync.Net.Relay;

/// <summary>Gets what a relay sends. Called by one loop for each link; returns soon.</summary>
public interface IRelayReceiver
{
    /// <param name="link">Where it came from.</param>
    /// <param name="what">Refers to bytes that are reused after the call.</param>
    void OnRelay(RelayLink link, RelayEvent what);
}

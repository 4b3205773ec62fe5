using EdgeSync.Iroh.Endpoints;

namespace EdgeSync.Net.Iroh;

/// <summary>The home relay of an endpoint.</summary>
/// <param name="IsOnline">It has accepted the login and is connected.</param>
/// <param name="RoundTrip">Of the last ping; null before.</param>
/// <param name="Denial">Why it refuses this endpoint; null: it does not.</param>
public sealed record IrohRelayState(RelayUrl Url, bool IsOnline, TimeSpan? RoundTrip, string? Denial);

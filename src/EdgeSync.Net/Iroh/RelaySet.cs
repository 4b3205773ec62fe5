using EdgeSync.Iroh.Endpoints;

namespace EdgeSync.Net.Iroh;

/// <summary>The relays that an endpoint uses.</summary>
/// <param name="Urls">To choose the home relay from: the nearest one. Empty: there is none.</param>
/// <param name="Token">Presented to relays; null: none.</param>
/// <param name="UsesPeers">Relays are connected to that peers name, and that are not among these.</param>
public sealed record RelaySet(IReadOnlyList<RelayUrl> Urls, string? Token, bool UsesPeers);

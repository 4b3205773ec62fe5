using EdgeSync.Iroh.Endpoints;

namespace EdgeSync.Net.Iroh;

/// <summary>Who tells an endpoint the addresses that its datagrams come from.</summary>
/// <param name="Protocol">The protocol's name (ALPN): ours, or that of QUIC address discovery.</param>
/// <param name="Port">The relay's UDP port.</param>
public sealed record ReflexiveSource(RelayUrl Relay, string Protocol, int Port);

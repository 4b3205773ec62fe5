namespace EdgeSync.Net.Iroh;

/// <summary>A way to a peer, as it is now.</summary>
/// <param name="Address">The peer's address and port, or the relay's URL.</param>
/// <param name="IsRelayed">It leads over that relay.</param>
/// <param name="IsSelected">Data goes here.</param>
/// <param name="IsValidated">The peer is known to receive here.</param>
/// <param name="RoundTrip">Smoothed.</param>
/// <param name="Mtu">Bytes of the largest datagram.</param>
/// <param name="CongestionWindow">Bytes that may be under way.</param>
/// <param name="BytesSent">Of datagrams on this path, as <paramref name="BytesReceived"/>.</param>
public sealed record IrohPath(
    string Address, bool IsRelayed, bool IsSelected, bool IsValidated, TimeSpan RoundTrip, int Mtu,
    long CongestionWindow, long PacketsLost, long BytesSent, long BytesReceived);

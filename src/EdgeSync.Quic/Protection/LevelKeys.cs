using EdgeSync.Quic.Packets;

namespace EdgeSync.Quic.Protection;

/// <summary>Keys of both directions at one level: Initial or Handshake.</summary>
internal sealed class LevelKeys : IDisposable
{
    public LevelKeys(CipherSuite suite, ReadOnlySpan<byte> sendSecret, ReadOnlySpan<byte> receiveSecret)
    {
        Send = new PacketKeys(suite, sendSecret);
        SendMask = PacketKeys.HeaderMaskOf(suite, sendSecret);
        Receive = new PacketKeys(suite, receiveSecret);
        ReceiveMask = PacketKeys.HeaderMaskOf(suite, receiveSecret);
    }

    public PacketKeys Send { get; }

    public HeaderMask SendMask { get; }

    public PacketKeys Receive { get; }

    public HeaderMask ReceiveMask { get; }

    /// <summary>Keys of Initial packets.</summary>
    /// <param name="destination">The destination id of the client's first Initial packet, or of Retry's answer.</param>
    public static LevelKeys Initial(in ConnectionId destination, bool isServer)
    {
        Span<byte> client = stackalloc byte[32];
        Span<byte> server = stackalloc byte[32];
        InitialSecrets.Derive(destination, client, server);
        return isServer
            ? new LevelKeys(CipherSuite.Aes128, server, client)
            : new LevelKeys(CipherSuite.Aes128, client, server);
    }

    public void Dispose()
    {
        Send.Dispose();
        SendMask.Dispose();
        Receive.Dispose();
        ReceiveMask.Dispose();
    }
}

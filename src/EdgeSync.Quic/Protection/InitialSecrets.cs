using System.Security.Cryptography;
using EdgeSync.Quic.Packets;

namespace EdgeSync.Quic.Protection;

/// <summary>Secrets of Initial packets, which are derived from the first id alone. Spec: RFC 9001 §5.2.</summary>
internal static class InitialSecrets
{
    private static ReadOnlySpan<byte> Salt =>
    [
        0x38, 0x76, 0x2c, 0xf7, 0xf5, 0x59, 0x34, 0xb3, 0x4d, 0x17,
        0x9a, 0xe6, 0xa4, 0xc8, 0x0c, 0xad, 0xcc, 0xbb, 0x7f, 0x0a,
    ];

    /// <param name="client">32 bytes of secret for what the client sends.</param>
    /// <param name="server">32 bytes of secret for what the server sends.</param>
    public static void Derive(in ConnectionId destination, Span<byte> client, Span<byte> server)
    {
        Span<byte> id = stackalloc byte[ConnectionId.MaxLength];
        destination.CopyTo(id);
        Span<byte> initial = stackalloc byte[32];
        HKDF.Extract(HashAlgorithmName.SHA256, id[..destination.Length], Salt, initial);
        Labels.Expand(HashAlgorithmName.SHA256, initial, "client in"u8, [], client);
        Labels.Expand(HashAlgorithmName.SHA256, initial, "server in"u8, [], server);
    }
}

using EdgeSync.Iroh.Endpoints;
using EdgeSync.Iroh.Wire;
using EdgeSync.Quic.Tls;

namespace EdgeSync.Iroh.Relay;

/// <summary>
/// How an endpoint proves its id to a relay: a signature over a key that BLAKE3 derives from the relay's challenge.
/// </summary>
internal static class RelayLogin
{
    private static ReadOnlySpan<byte> Context => "iroh-relay handshake v1 challenge signature"u8;

    public static byte[] Answer(SecretKey key, ReadOnlySpan<byte> challenge) =>
        RelayFrame.Auth(key.Id, key.Sign(MessageOf(challenge)));

    public static bool IsProven(EndpointId id, ReadOnlySpan<byte> challenge, ReadOnlySpan<byte> signature) =>
        Ed25519Key.Verify(id.ToArray(), MessageOf(challenge), signature);

    internal static byte[] MessageOf(ReadOnlySpan<byte> challenge) => IrohHash.DeriveKey(Context, challenge);
}

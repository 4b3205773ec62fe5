using System.Security.Cryptography;
using EdgeSync.Primitives;
using EdgeSync.Quic.Packets;
using EdgeSync.Quic.Tls;

namespace EdgeSync.Quic.Protection;

/// <summary>
/// Makes the reset token of a connection id from one key, so that an endpoint that has lost a connection can still
/// end it. Spec: RFC 9000 §10.3.2.
/// </summary>
internal sealed class StatelessResetKey
{
    private readonly byte[] _key = new byte[32];

    public StatelessResetKey(Entropy entropy) => entropy.Fill(_key);

    /// <summary>The same for each process of an endpoint, so that one that was restarted ends what is lost.</summary>
    // Spec: RFC 9000 §10.3.2.
    public StatelessResetKey(Ed25519Key key) => key.Derive("quic stateless reset"u8).CopyTo(_key, 0);

    /// <summary>Writes the 16 bytes of a token.</summary>
    public void WriteToken(in ConnectionId id, Span<byte> token)
    {
        Span<byte> bytes = stackalloc byte[ConnectionId.MaxLength];
        id.CopyTo(bytes);
        Span<byte> hash = stackalloc byte[32];
        HMACSHA256.HashData(_key, bytes[..id.Length], hash);
        hash[..TransportParameters.ResetTokenBytes].CopyTo(token);
    }

    public byte[] TokenOf(in ConnectionId id)
    {
        var token = new byte[TransportParameters.ResetTokenBytes];
        WriteToken(id, token);
        return token;
    }
}

using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using EdgeSync.Primitives;
using EdgeSync.Quic.Tls;

namespace EdgeSync.Iroh.Endpoints;

/// <summary>
/// The private key of an endpoint's id. Never printed: its text form is read, not written.
/// </summary>
public sealed class SecretKey : IDisposable
{
    /// <summary>Bytes of the seed (RFC 8032), which is all that a key file holds.</summary>
    public const int SeedBytes = Ed25519Key.KeyBytes;

    /// <param name="seed">32 bytes; copied.</param>
    public SecretKey(ReadOnlySpan<byte> seed)
    {
        Key = new Ed25519Key(seed);
        Id = new EndpointId(Key.PublicKey.Span);
    }

    public EndpointId Id { get; }

    /// <summary>The same key for the handshake of QUIC.</summary>
    public Ed25519Key Key { get; }

    public static SecretKey Generate(Entropy entropy)
    {
        ArgumentNullException.ThrowIfNull(entropy);
        Span<byte> seed = stackalloc byte[SeedBytes];
        entropy.Fill(seed);
        var key = new SecretKey(seed);
        CryptographicOperations.ZeroMemory(seed);
        return key;
    }

    /// <summary>From 64 lower-case hex digits, or 52 characters of base32 in either case.</summary>
    public static bool TryParse(ReadOnlySpan<char> text, [NotNullWhen(true)] out SecretKey? key)
    {
        key = null;
        if (!EndpointId.TryParseBytes(text, out var seed)) return false;

        key = new SecretKey(seed);
        CryptographicOperations.ZeroMemory(seed);
        return true;
    }

    /// <summary>64 bytes of signature.</summary>
    public byte[] Sign(ReadOnlySpan<byte> message) => Key.Sign(message);

    /// <summary>Clears the seed.</summary>
    public void Dispose() => Key.Dispose();

    /// <summary>The id, which is public.</summary>
    public override string ToString() => $"secret key of {Id.ToShortString()}";
}

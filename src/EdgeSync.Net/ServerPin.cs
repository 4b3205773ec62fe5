using System.Globalization;
using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace EdgeSync.Net;

/// <summary>
/// Trust in one public key, whatever the name, date or issuer of its certificate: SHA-256 over the
/// SubjectPublicKeyInfo, as RFC 7469 §2.4 pins keys. The handshake proves that the other side holds the private key.
/// </summary>
public static class ServerPin
{
    private const string Prefix = "sha256:";
    private const int HashBytes = 32;

    /// <summary>As written in settings: <c>sha256:</c> and 64 hex digits.</summary>
    public static string Format(ReadOnlySpan<byte> hash) => Prefix + Convert.ToHexStringLower(hash);

    /// <summary>Null when it is not a pin.</summary>
    public static byte[]? TryParse(string text)
    {
        if (!text.StartsWith(Prefix, StringComparison.OrdinalIgnoreCase)
            || text.Length != Prefix.Length + (2 * HashBytes))
            return null;

        var hash = new byte[HashBytes];
        for (var i = 0; i < HashBytes; i++)
            if (!byte.TryParse(
                text.AsSpan(Prefix.Length + (2 * i), 2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture,
                out hash[i]))
                return null;
        return hash;
    }

    public static byte[] Of(X509Certificate2 certificate) =>
        SHA256.HashData(certificate.PublicKey.ExportSubjectPublicKeyInfo());

    /// <summary>Accepts a certificate of that key only; chain and name are not checked.</summary>
    public static RemoteCertificateValidationCallback Check(byte[] pin) => (_, certificate, _, _) =>
        certificate is X509Certificate2 shown && CryptographicOperations.FixedTimeEquals(Of(shown), pin);
}

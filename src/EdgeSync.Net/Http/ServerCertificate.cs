using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using EdgeSync.Primitives;
using EdgeSync.Quic.Tls;

namespace EdgeSync.Net.Http;

/// <summary>The certificate of a port, read from PEM files.</summary>
internal static class ServerCertificate
{
    /// <param name="certificateFile">With its chain behind it.</param>
    /// <param name="keyFile">Null when the certificate's file holds the key.</param>
    /// <returns>HTTP/1.1 inside TLS, with the versions that the system allows; no client certificates.</returns>
    /// <exception cref="EdgeSyncException">The certificate or its key cannot be read.</exception>
    public static SslServerAuthenticationOptions Read(string certificateFile, string? keyFile)
    {
        var (certificate, chain) = Load(certificateFile, keyFile);
        return new SslServerAuthenticationOptions
        {
            ServerCertificateContext = SslStreamCertificateContext.Create(certificate, chain),
            ApplicationProtocols = [SslApplicationProtocol.Http11],
            AllowRenegotiation = false,
        };
    }

    /// <summary>The same for QUIC.</summary>
    /// <exception cref="EdgeSyncException">The certificate or its key cannot be read, or is of no kind that QUIC
    /// takes here.</exception>
    public static TlsCertificate ReadTls(string certificateFile, string? keyFile)
    {
        var (certificate, chain) = Load(certificateFile, keyFile);
        try
        {
            AsymmetricAlgorithm? key = (AsymmetricAlgorithm?)certificate.GetECDsaPrivateKey()
                ?? certificate.GetRSAPrivateKey();
            return new TlsCertificate(
                [.. chain.Select(c => c.RawData)],
                key ?? throw new NotSupportedException("the key is of another kind"));
        }
        catch (Exception e) when (e is CryptographicException or NotSupportedException)
        {
            throw new EdgeSyncException(
                ErrorKind.Usage, $"cannot use the certificate {certificateFile} for QUIC: {e.Message}",
                "take a certificate with a key of ECDSA (P-256 or P-384) or RSA", e);
        }
        finally
        {
            certificate.Dispose();
            foreach (var other in chain) other.Dispose();
        }
    }

    private static (X509Certificate2 Certificate, X509Certificate2Collection Chain) Load(
        string certificateFile, string? keyFile)
    {
        foreach (var file in (string?[])[certificateFile, keyFile])
        {
            if (file is not null && !File.Exists(file))
                throw new EdgeSyncException(
                    ErrorKind.NotFound, $"the TLS file {file} does not exist", "check the path");
        }

        try
        {
            var chain = new X509Certificate2Collection();
            chain.ImportFromPemFile(certificateFile);
            return (X509Certificate2.CreateFromPemFile(certificateFile, keyFile), chain);
        }
        catch (Exception e) when (e is CryptographicException or IOException or UnauthorizedAccessException)
        {
            throw new EdgeSyncException(
                ErrorKind.System,
                $"cannot use the certificate {certificateFile} with the key "
                    + $"{keyFile ?? "(the same file)"}: {e.Message}",
                "both must be PEM files, and the key must belong to the certificate", e);
        }
    }
}

using System.Net.Security;
using System.Security.Cryptography.X509Certificates;
using EdgeSync.Primitives;

namespace EdgeSync.Net.Nats;

/// <summary>Whom to trust, and who we are, when TLS is made.</summary>
public sealed record NatsTlsOpts
{
    /// <summary>The system's certificate authorities.</summary>
    public static NatsTlsOpts Default { get; } = new();

    /// <summary>Certificate authorities to trust instead of the system's.</summary>
    public X509Certificate2Collection? CaCertificates { get; init; }

    /// <summary>With its private key, for servers that verify clients.</summary>
    public X509Certificate2? ClientCertificate { get; init; }

    /// <summary>Any certificate will do: for trying things out only.</summary>
    public bool InsecureSkipVerify { get; init; }

    /// <summary>Reads PEM files; each may be null.</summary>
    /// <exception cref="EdgeSyncException">A file is missing or holds no such thing.</exception>
    public static NatsTlsOpts FromFiles(string? caFile, string? certFile, string? keyFile)
    {
        try
        {
            X509Certificate2Collection? authorities = null;
            if (caFile is not null)
            {
                authorities = [];
                authorities.ImportFromPemFile(caFile);
            }

            return new NatsTlsOpts
            {
                CaCertificates = authorities,
                ClientCertificate = certFile is null ? null : X509Certificate2.CreateFromPemFile(certFile, keyFile),
            };
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or System.Security.Cryptography.CryptographicException)
        {
            throw new EdgeSyncException(
                ErrorKind.Usage, $"The TLS files cannot be read: {e.Message}", "give PEM files that this user may read", e);
        }
    }

    internal SslClientAuthenticationOptions ToAuthentication(string host)
    {
        var options = new SslClientAuthenticationOptions { TargetHost = host };
        if (ClientCertificate is not null) options.ClientCertificates = [ClientCertificate];
        if (CaCertificates is not null)
        {
            options.CertificateChainPolicy = new X509ChainPolicy
            {
                TrustMode = X509ChainTrustMode.CustomRootTrust,
                RevocationMode = X509RevocationMode.NoCheck,
            };
            options.CertificateChainPolicy.CustomTrustStore.AddRange(CaCertificates);
        }

#pragma warning disable CA5359 // The option says what it does, and is off by default.
        if (InsecureSkipVerify) options.RemoteCertificateValidationCallback = static (_, _, _, _) => true;
#pragma warning restore CA5359
        return options;
    }
}

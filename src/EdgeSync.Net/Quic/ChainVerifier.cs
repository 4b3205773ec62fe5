using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using EdgeSync.Quic.Tls;

namespace EdgeSync.Net.Quic;

/// <summary>
/// Judges certificates as TLS over TCP does here: by the authorities that this machine trusts, without asking any
/// network. Each call takes some milliseconds: a client dials few servers so.
/// </summary>
/// <param name="clock">Of their lifetimes.</param>
public sealed class ChainVerifier(TimeProvider clock) : ICertificateVerifier
{
    private const string ServerUsage = "1.3.6.1.5.5.7.3.1";

    /// <summary>Authorities in place of those of this machine; null: those.</summary>
    public X509Certificate2Collection? Roots { get; init; }

    /// <summary>Has the last word, as for a relay's port of TCP; null: none.</summary>
    public RemoteCertificateValidationCallback? Check { get; init; }

    public CertificateFault? Verify(string host, IReadOnlyList<byte[]> chain)
    {
        ArgumentNullException.ThrowIfNull(host);
        ArgumentNullException.ThrowIfNull(chain);
        var certificates = new List<X509Certificate2>();
        using var building = new X509Chain();
        try
        {
            foreach (var der in chain) certificates.Add(X509CertificateLoader.LoadCertificate(der));
            var policy = building.ChainPolicy;
            policy.RevocationMode = X509RevocationMode.NoCheck;
            policy.DisableCertificateDownloads = true;
            policy.VerificationTime = clock.GetUtcNow().LocalDateTime;
            policy.ApplicationPolicy.Add(new Oid(ServerUsage));
            policy.ExtraStore.AddRange(certificates[1..].ToArray());
            if (Roots is not null)
            {
                policy.TrustMode = X509ChainTrustMode.CustomRootTrust;
                policy.CustomTrustStore.AddRange(Roots);
            }

            return Judge(host, certificates[0], building);
        }
        catch (CryptographicException)
        {
            return new CertificateFault(CertificateProblem.Bad, "a certificate is malformed");
        }
        finally
        {
            foreach (var certificate in certificates) certificate.Dispose();
        }
    }

    private CertificateFault? Judge(string host, X509Certificate2 certificate, X509Chain building)
    {
        var isTrusted = building.Build(certificate);
        var isForHost = certificate.MatchesHostname(host, allowWildcards: true, allowCommonName: false);
        if (Check is not null)
        {
            var errors = (isTrusted ? SslPolicyErrors.None : SslPolicyErrors.RemoteCertificateChainErrors)
                | (isForHost ? SslPolicyErrors.None : SslPolicyErrors.RemoteCertificateNameMismatch);
            return Check(this, certificate, building, errors)
                ? null
                : new CertificateFault(CertificateProblem.Other, "the certificate is not taken");
        }

        if (!isTrusted) return FaultOf(building.ChainStatus.Aggregate(
            X509ChainStatusFlags.NoError, (all, status) => all | status.Status));
        return isForHost ? null : new CertificateFault(CertificateProblem.Bad, "the certificate is for another host");
    }

    private static CertificateFault FaultOf(X509ChainStatusFlags status) => status switch
    {
        _ when status.HasFlag(X509ChainStatusFlags.NotSignatureValid) =>
            new CertificateFault(CertificateProblem.Bad, "a signature in the chain is wrong"),
        _ when (status & (X509ChainStatusFlags.UntrustedRoot | X509ChainStatusFlags.PartialChain)) != 0 =>
            new CertificateFault(CertificateProblem.UnknownAuthority, "nobody who is trusted here has issued it"),
        _ when (status & (X509ChainStatusFlags.Revoked | X509ChainStatusFlags.ExplicitDistrust)) != 0 =>
            new CertificateFault(CertificateProblem.Revoked, "the certificate is distrusted"),
        _ when status.HasFlag(X509ChainStatusFlags.NotTimeValid) =>
            new CertificateFault(CertificateProblem.Expired, "the certificate is not valid at this time"),
        _ when status.HasFlag(X509ChainStatusFlags.NotValidForUsage) =>
            new CertificateFault(CertificateProblem.Unsuitable, "the certificate is not for servers"),
        _ => new CertificateFault(CertificateProblem.Other, $"the chain is not valid: {status}"),
    };
}

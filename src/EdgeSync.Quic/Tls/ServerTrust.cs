using System.Net;

namespace EdgeSync.Quic.Tls;

/// <summary>
/// How a server is known that proves itself by a certificate of X.509 and not by a raw key: by its name, and by whoever
/// vouches for it. A client that dials so shows no key of its own.
/// </summary>
/// <param name="Host">The name or IP address that was dialled; a dot at its end does not count.</param>
/// <param name="Verifier">Decides on the certificates.</param>
public sealed record ServerTrust(string Host, ICertificateVerifier Verifier)
{
    /// <summary>The name without a dot at its end.</summary>
    internal string Name { get; } = Host.TrimEnd('.');

    /// <summary>What is sent as SNI: no IP address (RFC 6066 §3).</summary>
    internal string? ServerName => IPAddress.TryParse(Name.Trim('[', ']'), out _) ? null : Name;
}

/// <summary>
/// Decides whether a chain of certificates proves a server: the trust of a machine is files, and lies outside of the
/// core, as does the time.
/// </summary>
public interface ICertificateVerifier
{
    /// <summary>Called in the middle of a handshake: it must not wait for a network.</summary>
    /// <param name="host">The name or IP address that the certificate must be for.</param>
    /// <param name="chain">In DER, the server's own first; not empty.</param>
    /// <returns>Null when the chain proves the host.</returns>
    CertificateFault? Verify(string host, IReadOnlyList<byte[]> chain);
}

/// <summary>What is wrong with a certificate.</summary>
/// <param name="Reason">For logs, and for the server; ASCII.</param>
public sealed record CertificateFault(CertificateProblem Problem, string Reason);

/// <summary>Kinds of faults; each has an alert of its own (RFC 8446 §6.2).</summary>
public enum CertificateProblem
{
    /// <summary>It cannot be read, or its signature is wrong, or it is for another host.</summary>
    Bad,

    /// <summary>No authority that is trusted vouches for it.</summary>
    UnknownAuthority,

    /// <summary>It is not valid yet, or not any more.</summary>
    Expired,

    Revoked,

    /// <summary>It is not for servers.</summary>
    Unsuitable,

    Other,
}

using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using EdgeSync.Net;
using EdgeSync.Primitives;

namespace EdgeSync.Node.Joining;

/// <summary>
/// The key that identifies a node to other machines, and the self-signed certificate around it. Created once: a node
/// with another key is another node. The certificate's name and dates are not checked, so a machine without a clock can
/// make and verify it.
/// </summary>
internal static class NodeKey
{
    private static readonly DateTimeOffset Begin = new(2000, 1, 1, 0, 0, 0, TimeSpan.Zero);
    private static readonly DateTimeOffset End = new(2999, 12, 31, 0, 0, 0, TimeSpan.Zero);

    /// <summary>
    /// The SHA-256 of the public key in the certificate's file, which is created, with its key, when it is missing.
    /// </summary>
    /// <exception cref="EdgeSyncException">The files cannot be read or written.</exception>
    public static byte[] Ensure(string certificateFile, string keyFile)
    {
        try
        {
            if (!File.Exists(certificateFile) || !File.Exists(keyFile)) Make(certificateFile, keyFile);
            using var certificate = X509Certificate2.CreateFromPem(File.ReadAllText(certificateFile));
            return ServerPin.Of(certificate);
        }
        catch (Exception e) when (e is CryptographicException or IOException or UnauthorizedAccessException)
        {
            throw new EdgeSyncException(
                ErrorKind.System, $"cannot use the node's certificate {certificateFile}: {e.Message}",
                "edgesync doctor", e);
        }
    }

    private static void Make(string certificateFile, string keyFile)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=edgesync", key, HashAlgorithmName.SHA256);
        using var certificate = request.CreateSelfSigned(Begin, End);
        PrivateFile.Write(keyFile, key.ExportPkcs8PrivateKeyPem() + "\n");
        PrivateFile.Write(certificateFile, certificate.ExportCertificatePem() + "\n");
    }
}

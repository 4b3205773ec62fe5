using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using EdgeSync.InteropTests.Quic;
using EdgeSync.Tests.Support;

namespace EdgeSync.InteropTests.Iroh;

/// <summary>
/// A certificate for the relay of a <see cref="NatNetwork"/>, by an authority of the test. Programs of ours trust it by
/// a file. A real iroh endpoint reads none: its authorities stand in its native file, so a copy of that gets the key of
/// this one in place of that of an authority with the same name and kind of key.
/// </summary>
internal sealed class RelayCertificates : IDisposable
{
    private const string Name = "ISRG Root X2";
    private const int PointBytes = 96;

    // The content of the name as it is encoded: C=US, O=Internet Security Research Group, CN=ISRG Root X2.
    private static readonly byte[] Subject =
    [
        .. Convert.FromHexString("310b3009060355040613025553" + "3129302706035504" + "0a1320"),
        .. "Internet Security Research Group"u8, .. Convert.FromHexString("311530130603550403130c"),
        .. "ISRG Root X2"u8,
    ];

    // What stands before the two coordinates of a key on P-384, and behind the name there.
    private static readonly byte[] KeyPrefix =
        Convert.FromHexString("301006072a8648ce3d020106052b8104002203620004");

    private readonly TemporaryFolder _folder = new();
    private readonly byte[] _point;

    public RelayCertificates()
    {
        using var authorityKey = ECDsa.Create(ECCurve.NamedCurves.nistP384);
        var request = new CertificateRequest(
            new X500DistinguishedName([0x30, (byte)Subject.Length, .. Subject]), authorityKey,
            HashAlgorithmName.SHA384);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        request.CertificateExtensions.Add(
            new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign | X509KeyUsageFlags.CrlSign, true));
        using var authority = request.CreateSelfSigned(
            DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(2));
        var key = authorityKey.ExportParameters(false).Q;
        _point = [.. key.X!, .. key.Y!];
        Assert.Contains(Name, authority.Subject, StringComparison.Ordinal);
        File.WriteAllText(CaFile, authority.ExportCertificatePem());
        Issue(authority);
    }

    public string CaFile => _folder["ca.pem"];

    public string CertificateFile => _folder["relay.pem"];

    public string KeyFile => _folder["relay.key"];

    /// <summary>A copy of the native file that trusts this authority.</summary>
    public string MakeLibrary()
    {
        var bytes = File.ReadAllBytes(IrohPeer.NativeFile);
        var at = bytes.AsSpan().IndexOf([.. Subject, .. KeyPrefix]);
        Assert.True(at > 0, $"{IrohPeer.NativeFile} has no authority {Name} with a key on P-384");
        _point.CopyTo(bytes, at + Subject.Length + KeyPrefix.Length);
        Assert.Equal(PointBytes, _point.Length);
        var file = _folder["iroh.node"];
        File.WriteAllBytes(file, bytes);
        return file;
    }

    public void Dispose() => _folder.Dispose();

    private void Issue(X509Certificate2 authority)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=relay", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddIpAddress(IPAddress.Parse(NatNetwork.RelayAddress));
        request.CertificateExtensions.Add(names.Build());
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(false, false, 0, true));
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid("1.3.6.1.5.5.7.3.1")], false));
        using var certificate = request.Create(
            authority, DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1), [1, 2, 3]);
        File.WriteAllText(CertificateFile, certificate.ExportCertificatePem());
        File.WriteAllText(KeyFile, key.ExportPkcs8PrivateKeyPem());
    }
}

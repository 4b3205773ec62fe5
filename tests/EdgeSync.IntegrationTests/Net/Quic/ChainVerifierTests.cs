using System.Net.Security;
using System.Security.Cryptography.X509Certificates;
using EdgeSync.Net.Quic;
using EdgeSync.Quic.Tls;
using EdgeSync.Tests.Support;

namespace EdgeSync.IntegrationTests.Net.Quic;

/// <summary>What certificates prove a server, by the base library's chains.</summary>
public sealed class ChainVerifierTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly TestCertificates _files;

    public ChainVerifierTests() => _files = new TestCertificates(_folder.Path);

    public void Dispose() => _folder.Dispose();

    [Test]
    [Arguments("localhost", null)]
    [Arguments("127.0.0.1", null)]
    [Arguments("127.0.0.2", CertificateProblem.Bad)]
    [Arguments("localhost.example", CertificateProblem.Bad)]
    public void A_certificate_is_for_the_names_and_addresses_in_it(string host, CertificateProblem? problem) =>
        Assert.Equal(problem, New().Verify(host, [Der(_files.ServerFile)])?.Problem);

    [Test]
    [Arguments(-10)]
    [Arguments(10)]
    public void A_certificate_has_a_time(int days) => Assert.Equal(
        CertificateProblem.Expired,
        New(new OtherTime(TimeSpan.FromDays(days))).Verify("localhost", [Der(_files.ServerFile)])?.Problem);

    [Test]
    public void An_authority_that_this_machine_does_not_trust_does_not_count()
    {
        var verifier = new ChainVerifier(TimeProvider.System);

        Assert.Equal(
            CertificateProblem.UnknownAuthority, verifier.Verify("localhost", [Der(_files.ServerFile)])?.Problem);
        // Nor when the server sends it along.
        Assert.Equal(
            CertificateProblem.UnknownAuthority,
            verifier.Verify("localhost", [Der(_files.ServerFile), Der(_files.CaFile)])?.Problem);
    }

    [Test]
    public void A_certificate_of_clients_proves_no_server() => Assert.Equal(
        CertificateProblem.Unsuitable, New().Verify("localhost", [Der(_files.ClientFile)])?.Problem);

    [Test]
    public void Damaged_certificates_are_bad()
    {
        var der = Der(_files.ServerFile);
        der[^1] ^= 1;

        Assert.Equal(CertificateProblem.Bad, New().Verify("localhost", [der])?.Problem);
        Assert.Equal(CertificateProblem.Bad, New().Verify("localhost", [[0x30, 1, 0]])?.Problem);
        Assert.Equal(
            CertificateProblem.Bad, New().Verify("localhost", [Der(_files.ServerFile), [0x30, 1, 0]])?.Problem);
    }

    [Test]
    [Arguments("localhost", SslPolicyErrors.RemoteCertificateChainErrors)]
    [Arguments(
        "other.example",
        SslPolicyErrors.RemoteCertificateChainErrors | SslPolicyErrors.RemoteCertificateNameMismatch)]
    public void A_check_of_the_caller_has_the_last_word(string host, SslPolicyErrors expected)
    {
        SslPolicyErrors? seen = null;
        ChainVerifier Checking(bool answer) => new(TimeProvider.System)
        {
            Check = (_, certificate, _, errors) =>
            {
                Assert.Equal("CN=localhost", certificate!.Subject);
                seen = errors;
                return answer;
            },
        };

        Assert.Null(Checking(true).Verify(host, [Der(_files.ServerFile)]));
        Assert.Equal(expected, seen);
        Assert.Equal(CertificateProblem.Other, Checking(false).Verify(host, [Der(_files.ServerFile)])?.Problem);
    }

    private ChainVerifier New(TimeProvider? clock = null) => new(clock ?? TimeProvider.System)
    {
        Roots = [X509CertificateLoader.LoadCertificateFromFile(_files.CaFile)],
    };

    private static byte[] Der(string file)
    {
        using var certificate = X509CertificateLoader.LoadCertificateFromFile(file);
        return certificate.RawData;
    }

    private sealed class OtherTime(TimeSpan by) : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => System.GetUtcNow() + by;
    }
}

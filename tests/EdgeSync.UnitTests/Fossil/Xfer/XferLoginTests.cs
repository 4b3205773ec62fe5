using System.Buffers;
using System.Text;
using EdgeSync.Fossil.Xfer;
using EdgeSync.Tests.Support;

namespace EdgeSync.UnitTests.Fossil.Xfer;

public class XferLoginTests
{
    private const string Secret = "d415e2802cc715af029a7911bdf39a711e8af1da";

    private const string Body =
        "pragma client-version 22100 20230226 192424\nreqconfig /all\n# B31F763A9E262248A607033E5FA2D7FEAB771066\n";

    private static byte[] Nonce => "c7eff5c84c52a81e3f3477fb961d53cb113dad58"u8.ToArray();

    private static byte[] Signature => "d1a9f94316af70c37c8748efe240b99c2c87580b"u8.ToArray();

    [Test]
    public void Signs_as_stock_does()
    {
        var output = new ArrayBufferWriter<byte>();

        Assert.Equal(Secret, XferLogin.SharedSecret(SampleProject.Code, "tester", "secret"));
        Assert.Equal(Secret, XferLogin.SharedSecret(SampleProject.Code, "tester", Secret));
        XferLogin.Write(new XferWriter(output), "tester", Secret, Encoding.ASCII.GetBytes(Body));
        Assert.Equal(
            $"login tester {Encoding.ASCII.GetString(Nonce)} {Encoding.ASCII.GetString(Signature)}\n",
            Encoding.ASCII.GetString(output.WrittenSpan));
    }

    [Test]
    public void A_nonce_fits_its_body_only()
    {
        var body = Encoding.ASCII.GetBytes(Body);

        Assert.True(XferLogin.NonceFits(Nonce, body));
        Assert.False(XferLogin.NonceFits(Nonce, body.AsSpan(1)));
        Assert.False(XferLogin.NonceFits("nonsense"u8, body));
    }

    [Test]
    [Arguments(Secret, true)]
    [Arguments("secret", true)]
    [Arguments("Secret", false)]
    [Arguments("", false)]
    public void A_signature_fits_the_stored_secret_or_clear_text(string stored, bool fits)
    {
        Assert.Equal(fits, XferLogin.SignatureFits(Signature, Nonce, stored, SampleProject.Code, "tester"));
    }

    [Test]
    public void An_empty_stored_password_never_fits()
    {
        var signature = Convert.ToHexStringLower(System.Security.Cryptography.SHA1.HashData(Nonce));

        Assert.False(XferLogin.SignatureFits(
            Encoding.ASCII.GetBytes(signature), Nonce, "", SampleProject.Code, "tester"));
    }
}

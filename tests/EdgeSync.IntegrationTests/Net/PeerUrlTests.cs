using EdgeSync.Primitives;

namespace EdgeSync.IntegrationTests.Net;

public sealed class PeerUrlTests
{
    [Test]
    [Arguments("http://host", "http://host", null, null)]
    [Arguments("https://me@host:8080/path/", "https://me@host:8080/path/", "me", null)]
    [Arguments("http://me:s%40cret@host/p", "http://me@host/p", "me", "s@cret")]
    [Arguments(" http://a%20b:@host/ ", "http://a%20b@host", "a b", "")]
    public void Takes_user_and_password_out(string text, string printed, string? user, string? password)
    {
        var url = PeerUrl.Parse(text);

        Assert.Equal((printed, user, password), (url.ToString(), url.User, url.Password));
        Assert.Empty(url.Address.UserInfo);
    }

    [Test]
    [Arguments("host:8080")]
    [Arguments("ftp://host/")]
    [Arguments("file:///etc/passwd")]
    [Arguments("http://")]
    [Arguments("")]
    public void Rejects_other_text(string text) => Assert.False(PeerUrl.TryParse(text, out _));

    [Test]
    public void Never_repeats_a_password_in_a_message()
    {
        var failure = Assert.Throws<EdgeSyncException>(() => PeerUrl.Parse("ssh://me:secret@host/"));

        Assert.DoesNotContain("secret", failure.Message, StringComparison.Ordinal);
    }
}

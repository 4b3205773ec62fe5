using EdgeSync.Primitives;

namespace EdgeSync.UnitTests.Primitives;

/// <summary>Addresses of iroh endpoints, where a ticket is longer than a host may be.</summary>
public sealed class IrohPeerUrlTests
{
    private const string Id = "03a107bff3ce10be1d70dd18e74bc09967e4d6309ba50d5f1ddc8664125531b8";

    private static readonly string Ticket = "endpoint" + new string('a', 300);

    [Test]
    public void Slashes_before_the_endpoint_make_no_difference()
    {
        foreach (var text in new[] { $"iroh:{Ticket}", $"iroh://{Ticket}", $"iroh://{Ticket}/", $"IROH:{Ticket}" })
        {
            Assert.True(PeerUrl.TryParseAny(text, out var url));
            Assert.Equal((Ticket, ""), (url.Endpoint, url.EndpointPath));
            Assert.Equal($"iroh:{Ticket}", url.ToString());
            Assert.Null(url.FilePath);
            Assert.False(url.IsSsh);
        }
    }

    [Test]
    public void A_repository_and_a_login_are_taken_apart()
    {
        Assert.True(PeerUrl.TryParseAny($"iroh://ann:s3cret@{Id}/my%20project", out var url));

        Assert.Equal((Id, "my project", "ann", "s3cret"), (url.Endpoint, url.EndpointPath, url.User, url.Password));
        Assert.Equal($"iroh://ann@{Id}/my%20project", url.ToString());
        Assert.True(PeerUrl.TryParseAny(url.ToString(), out var again));
        Assert.Equal(url with { Password = null }, again);
    }

    [Test]
    [Arguments("iroh:")]
    [Arguments("iroh:short")]
    [Arguments("iroh:ann:s3cret@03a107bff3ce10be1d70dd18e74bc09967e4d6309ba50d5f1ddc8664125531b8")]
    [Arguments("iroh://03a107bff3ce10be1d70dd18e74bc09967e4d6309ba50d5f1ddc8664125531b8:443/x")]
    public void Others_are_no_addresses(string text) => Assert.False(PeerUrl.TryParseAny(text, out _));

    [Test]
    public void Only_commands_and_nodes_take_them() => Assert.False(PeerUrl.TryParse($"iroh:{Ticket}", out _));
}

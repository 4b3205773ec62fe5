using System.Net;
using EdgeSync.Iroh.Discovery;
using EdgeSync.Iroh.Endpoints;
using EdgeSync.Quic;
using EdgeSync.Tests.Support;

namespace EdgeSync.UnitTests.Iroh.Discovery;

public sealed class SignedPacketTests
{
    private const ulong Timestamp = 1_700_000_000_000_000;

    private static readonly EndpointId Id = IrohVectors.Key.Id;

    [Test]
    public void Signs_what_iroh_signs() => Assert.Equal(
        IrohVectors.Text("pkarr-body"), Convert.ToHexStringLower(Sample().Body.Span));

    [Test]
    public void Reads_what_iroh_signs()
    {
        Assert.True(SignedPacket.TryRead(Id, IrohVectors.Bytes("pkarr-body"), out var packet));

        Assert.Equal(Timestamp, packet.Timestamp);
        Assert.Equal(["relay=https://relay.example.com./", "addr=192.168.1.2:7777"], packet.Texts());
        Assert.Equal("03a107bff3 https://relay.example.com./ 192.168.1.2:7777", packet.Info().Address.ToString());
    }

    [Test]
    public void Every_byte_counts()
    {
        var body = IrohVectors.Bytes("pkarr-body");
        for (var i = 0; i < body.Length; i += 7)
        {
            var other = body.ToArray();
            other[i] ^= 1;
            Assert.False(SignedPacket.TryRead(Id, other, out _));
        }

        Assert.False(SignedPacket.TryRead(IrohVectors.KeyOf(1).Id, body, out _));
        Assert.False(SignedPacket.TryRead(Id, [.. body, 0], out _));
        Assert.False(SignedPacket.TryRead(Id, new byte[SignedPacket.BodyBytesMax + 1], out _));
    }

    [Test]
    public void A_cut_packet_is_rejected() => Assert.All(
        Splits.Prefixes(IrohVectors.Bytes("pkarr-body")), cut => Assert.False(SignedPacket.TryRead(Id, cut, out _)));

    [Test]
    public void What_does_not_fit_is_left_out_from_the_end()
    {
        var many = Enumerable.Range(1, 100).Select(i => UdpAddress.From(IPAddress.Parse("10.0.0.1"), i));
        Assert.True(RelayUrl.TryParse("https://r.example/", out var relay));

        var packet = SignedPacket.Sign(
            IrohVectors.Key, 1, new EndpointInfo(new EndpointAddress(Id, [relay], many), new string('u', 245)));

        Assert.InRange(packet.Body.Length, SignedPacket.BodyBytesMax - 50, SignedPacket.BodyBytesMax);
        Assert.True(SignedPacket.TryRead(Id, packet.Body.Span, out _));
        Assert.Equal(relay, packet.Info().Address.Relays.Single());
    }

    [Test]
    public void Unknown_and_malformed_texts_are_skipped()
    {
        var info = EndpointInfo.FromTexts(
            Id,
            [
                "relay=ftp://x", "addr=1.2.3.4", "addr=[::1]:8", "later=1", "user-data=a=b", "", "relay=http://h?a=b",
                "user-data=" + new string('x', 246),
            ]);

        Assert.Equal("03a107bff3 http://h/?a=b [::1]:8", info.Address.ToString());
        Assert.Equal("a=b", info.UserData);
    }

    [Test]
    public void Addresses_of_the_machine_can_be_left_out()
    {
        var info = Sample().Info().WithoutAddresses();

        Assert.Equal(["relay=https://relay.example.com./"], info.ToTexts());
    }

    private static SignedPacket Sample()
    {
        Assert.True(RelayUrl.TryParse("https://relay.example.com./", out var relay));
        var address = new EndpointAddress(
            Id, [relay], [UdpAddress.From(IPAddress.Parse("192.168.1.2"), 7777)]);
        return SignedPacket.Sign(IrohVectors.Key, Timestamp, new EndpointInfo(address));
    }
}

using EdgeSync.Iroh.Endpoints;
using EdgeSync.Iroh.Tickets;
using EdgeSync.Primitives;
using EdgeSync.Quic;

namespace EdgeSync.UnitTests.Iroh;

public sealed class PairCodeTests
{
    private static readonly PairCode Sample = new(
        Convert.FromHexString("000102030405060708090a0b0c0d0e0f"),
        Instant.FromUnixSeconds(1_800_000_600),
        EndpointTicket.Parse(EndpointTicket.Format(new EndpointAddress(
            SecretKey.Generate(new SeededEntropy(5)).Id, null,
            [UdpAddress.From(System.Net.IPAddress.Parse("192.168.1.2"), 7777)]))));

    [Test]
    public void What_is_written_is_read_in_the_form_in_which_people_copy_it()
    {
        var text = Sample.Encode();

        foreach (var copy in new[] { text, text.ToUpperInvariant(), $" {text[..20]}-{text[20..40]}\n{text[40..]} " })
        {
            Assert.True(PairCode.TryParse(copy, out var code));
            Assert.Equal(Convert.ToHexString(Sample.Token), Convert.ToHexString(code.Token));
            Assert.Equal(Sample.ExpiresAt, code.ExpiresAt);
            Assert.Equal(Sample.Peer.ToString(), code.Peer.ToString());
        }
    }

    [Test]
    public void A_changed_or_missing_character_is_found()
    {
        var text = Sample.Encode();
        for (var i = 0; i < text.Length; i++)
        {
            Assert.False(PairCode.TryParse(text[..i], out _));
            var other = text[i] == 'a' ? 'b' : 'a';
            Assert.False(PairCode.TryParse($"{text[..i]}{other}{text[(i + 1)..]}", out _));
        }
    }

    [Test]
    public void It_is_printed_without_its_token() =>
        Assert.Equal($"pairing code of {Sample.Peer.Id.ToShortString()}", Sample.ToString());
}

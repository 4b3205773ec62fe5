using System.Net;
using EdgeSync.Iroh.Endpoints;
using EdgeSync.Iroh.Tickets;
using EdgeSync.Primitives;
using EdgeSync.Quic;
using EdgeSync.Tests.Support;

namespace EdgeSync.UnitTests.Iroh.Tickets;

public sealed class EndpointTicketTests
{
    private const string Prefix = "endpoint";

    private static readonly string[] Names = ["none", "v4", "v6", "relay", "all"];

    [Test]
    public void Prints_what_iroh_prints()
    {
        var id = IrohVectors.Key.Id;

        Assert.Equal(Ticket("none"), EndpointTicket.Format(new EndpointAddress(id)));
        Assert.Equal(Ticket("v4"), EndpointTicket.Format(new EndpointAddress(id, [], [At("192.168.1.2", 7777)])));
        Assert.Equal(Ticket("v6"), EndpointTicket.Format(new EndpointAddress(id, [], [At("2001:db8::1", 443)])));
        Assert.Equal(
            Ticket("relay"), EndpointTicket.Format(new EndpointAddress(id, [Relay("http://127.0.0.1:3340")])));

        // In any order, and twice.
        Assert.Equal(Ticket("all"), EndpointTicket.Format(new EndpointAddress(
            id, [Relay("https://relay.example.com./")],
            [At("::1", 80), At("192.168.1.2", 65535), At("10.0.0.1", 1), At("::1", 80)])));
    }

    [Test]
    public void Reads_what_iroh_prints()
    {
        foreach (var name in Names)
        {
            Assert.Equal(TicketFault.None, EndpointTicket.TryParse(Ticket(name), out var address));
            Assert.Equal(IrohVectors.Key.Id, address!.Id);
            Assert.Equal(Ticket(name), EndpointTicket.Format(address));
            Assert.Equal(
                IrohVectors.Text($"bytes-{name}"), Convert.ToHexStringLower(Decode(Ticket(name))));
        }
    }

    [Test]
    public void Only_the_prefix_has_a_case()
    {
        var ticket = Ticket("all");

        Assert.Equal(
            TicketFault.None, EndpointTicket.TryParse(Prefix + ticket[Prefix.Length..].ToUpperInvariant(), out _));
        Assert.Equal(TicketFault.NotATicket, EndpointTicket.TryParse(ticket.ToUpperInvariant(), out _));
    }

    [Test]
    public void Names_the_fault_of_other_texts()
    {
        Assert.Equal(TicketFault.NotATicket, EndpointTicket.TryParse(null, out _));
        Assert.Equal(TicketFault.NotATicket, EndpointTicket.TryParse("esjabc", out _));
        Assert.Equal(TicketFault.Older, EndpointTicket.TryParse("nodeaaaa", out _));
        Assert.Equal(TicketFault.Damaged, EndpointTicket.TryParse(Ticket("all") + "a", out _));
        Assert.Equal(TicketFault.Unsupported, OfBytes([1, .. IrohVectors.Bytes("bytes-none")[1..]]));
        byte[] withCustomAddress = [.. IrohVectors.Bytes("bytes-none")[..33], 1, 2, 0, 0];
        Assert.Equal(TicketFault.Unsupported, OfBytes(withCustomAddress));
        Assert.Contains("before 1.0", Assert.Throws<EdgeSyncException>(() => EndpointTicket.Parse("nodeaaa")).Message);
    }

    [Test]
    public void A_cut_ticket_is_damaged()
    {
        foreach (var name in Names)
        {
            Assert.All(
                Splits.Prefixes(IrohVectors.Bytes($"bytes-{name}")),
                cut => Assert.Equal(TicketFault.Damaged, OfBytes(cut)));
        }
    }

    [Test]
    public void A_count_that_lies_costs_no_memory()
    {
        byte[] bytes = [.. IrohVectors.Bytes("bytes-none")[..33], 0xff, 0xff, 0xff, 0xff, 0x7f];

        Assert.Equal(TicketFault.Damaged, OfBytes(bytes));
    }

    [Test]
    public void Reads_what_it_writes() => Property.Check(
        prng =>
        {
            using var key = new SecretKey(prng.NextBytes(SecretKey.SeedBytes));
            var relays = Enumerable.Range(0, prng.NextInt32(3))
                .Select(i => Relay($"https://r{prng.NextUInt64()}.x:{i}"));
            var direct = Enumerable.Range(0, prng.NextInt32(5)).Select(_ => UdpAddress.From(
                new IPAddress(prng.NextBytes(prng.Chance(0.5) ? 4 : 16)), prng.NextInt32(65536)));
            var ticket = EndpointTicket.Format(new EndpointAddress(key.Id, relays, direct));

            Assert.Equal(TicketFault.None, EndpointTicket.TryParse(ticket, out var address));
            Assert.Equal(ticket, EndpointTicket.Format(address!));
        },
        runs: 100);

    [Test]
    public void Damaged_tickets_never_throw() => Property.Check(
        prng =>
        {
            var good = IrohVectors.Bytes($"bytes-{prng.Pick<string>(Names)}");
            var text = Prefix + Base32Coding.Rfc4648.Encode(Mutation.OfBytes(prng, good, []));

            if (EndpointTicket.TryParse(text, out var address) != TicketFault.None) return;

            // What was taken is what would be printed again, up to order and doubles.
            Assert.Equal(TicketFault.None, EndpointTicket.TryParse(EndpointTicket.Format(address!), out _));
        },
        runs: 3000);

    private static string Ticket(string name) => IrohVectors.Text($"ticket-{name}");

    private static TicketFault OfBytes(byte[] bytes) =>
        EndpointTicket.TryParse(Prefix + Base32Coding.Rfc4648.Encode(bytes), out _);

    private static byte[] Decode(string ticket)
    {
        Assert.True(Base32Coding.Rfc4648.TryDecode(ticket.AsSpan(Prefix.Length), out var bytes));
        return bytes;
    }

    private static UdpAddress At(string address, int port) => UdpAddress.From(IPAddress.Parse(address), port);

    private static RelayUrl Relay(string text)
    {
        Assert.True(RelayUrl.TryParse(text, out var url));
        return url;
    }
}

using System.Net;
using EdgeSync.Iroh.Dns;
using EdgeSync.Tests.Support;

namespace EdgeSync.UnitTests.Iroh.Discovery;

public sealed class DnsMessageTests
{
    private static readonly DnsMessage Sample = new()
    {
        Id = 0x1234,
        Flags = DnsMessage.Response | DnsMessage.Authoritative,
        Questions = [new DnsQuestion("_irohv1._udp.local", DnsType.Ptr, DnsMessage.ClassIn)],
        Answers =
        [
            new DnsRecord("abc._irohv1._udp.local", DnsType.Srv, 0) { Port = 7777, Target = "abc-7777.local" },
            new DnsRecord("abc._irohv1._udp.local", DnsType.Txt, 30) { Texts = ["relay=http://h/", ""] },
            new DnsRecord("_irohv1._udp.local", DnsType.Ptr, 0) { Target = "abc._irohv1._udp.local" },
        ],
        Additionals =
        [
            new DnsRecord("abc-7777.local", DnsType.A, 0) { Address = IPAddress.Parse("10.0.0.1") },
            new DnsRecord("abc-7777.local", DnsType.Aaaa, 0) { Address = IPAddress.Parse("2001:db8::1") },
            new DnsRecord("", DnsType.Opt, 0) { Class = 1232 },
        ],
    };

    [Test]
    public void Reads_what_it_writes() => Assert.Equal(Describe(Sample), Describe(Read(DnsWriter.Write(Sample))));

    [Test]
    public void A_name_that_was_written_becomes_a_pointer()
    {
        var name = new DnsRecord("a.example", DnsType.A, 0) { Address = IPAddress.Loopback };
        var other = name with { Name = "b.example" };

        var one = DnsWriter.Write(new DnsMessage { Answers = [name] });
        var two = DnsWriter.Write(new DnsMessage { Answers = [name, name, other] });

        // A pointer instead of eleven bytes, and a label of two with a pointer.
        Assert.Equal(one.Length + 16 + 18, two.Length);
        Assert.Equal(["a.example", "a.example", "b.example"], Read(two).Answers.Select(a => a.Name));
    }

    [Test]
    public void Names_are_compared_in_lower_case_and_keep_their_dots()
    {
        byte[] message = [.. new byte[4], 0, 1, .. new byte[6], 3, (byte)'A', (byte)'.', (byte)'B', 0, 0, 1, 0, 1];

        var question = Read(message).Questions.Single();

        Assert.Equal("a\\.b", question.Name);
        Assert.Equal(
            "a\\.b", Read(DnsWriter.Write(new DnsMessage { Questions = [question] })).Questions.Single().Name);
    }

    [Test]
    public void A_cut_message_is_unreadable() => Assert.All(
        Splits.Prefixes(DnsWriter.Write(Sample)), cut => Assert.False(DnsReader.TryRead(cut, out _)));

    [Test]
    public void A_pointer_to_itself_or_forward_is_unreadable()
    {
        foreach (var target in (byte[])[12, 13, 14, 40])
        {
            byte[] message = [.. new byte[4], 0, 1, .. new byte[6], 0xc0, target, 0, 1, 0, 1, .. new byte[30]];

            Assert.False(DnsReader.TryRead(message, out _));
        }
    }

    [Test]
    public void Damaged_messages_never_throw() => Property.Check(
        prng =>
        {
            var message = Mutation.OfBytes(prng, DnsWriter.Write(Sample), []);

            if (DnsReader.TryRead(message, out var read)) Assert.NotNull(Describe(read));
        },
        runs: 5000);

    private static DnsMessage Read(byte[] message)
    {
        Assert.True(DnsReader.TryRead(message, out var read));
        return read;
    }

    private static string Describe(DnsMessage message) => string.Join(
        '\n',
        [
            $"{message.Id} {message.Flags}", .. message.Questions.Select(q => q.ToString()),
            .. message.Answers.Select(Describe), "", .. message.Additionals.Select(Describe),
        ]);

    private static string Describe(DnsRecord record) =>
        $"{record.Name} {record.Type} {record.TtlSeconds} {record.Class} {string.Join('|', record.Texts)} "
            + $"{record.Target} {record.Port} {record.Address}";
}

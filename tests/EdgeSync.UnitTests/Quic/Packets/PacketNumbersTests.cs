using EdgeSync.Quic.Packets;
using EdgeSync.Tests.Support;

namespace EdgeSync.UnitTests.Quic.Packets;

public sealed class PacketNumbersTests
{
    [Test]
    public void Sends_as_many_bytes_as_the_samples_of_the_RFC()
    {
        // RFC 9000, A.2.
        Assert.Equal(2, PacketNumbers.SizeOf(0xac5c02, 0xabe8b3));
        Assert.Equal(3, PacketNumbers.SizeOf(0xace8fe, 0xabe8b3));
    }

    [Test]
    public void Expands_the_sample_of_the_RFC() =>
        // RFC 9000, A.3.
        Assert.Equal(0xa82f9b32UL, PacketNumbers.Expand(0x9b32, 2, 0xa82f30ea + 1));

    [Test]
    public void Expands_what_was_truncated_wherever_the_receiver_stands() => Property.Check(prng =>
    {
        var acked = prng.NextUInt64() >> prng.NextInt32(3, 60);
        var number = acked + 1 + (prng.NextUInt64() >> prng.NextInt32(34, 64));
        var size = PacketNumbers.SizeOf(number, acked);
        // The receiver has the acknowledged packet at least, and at most those before this one.
        var expected = acked + 1 + (ulong)prng.NextInt64((long)(number - acked));
        var bytes = new byte[size];
        PacketNumbers.Write(bytes, number, size);

        Assert.Equal(number, PacketNumbers.Expand(PacketNumbers.Read(bytes), size, expected));
    });

    [Test]
    public void Expands_the_first_numbers()
    {
        Assert.Equal(0UL, PacketNumbers.Expand(0, 1, 0));
        Assert.Equal(255UL, PacketNumbers.Expand(255, 1, 200));
        Assert.Equal(1UL, PacketNumbers.Expand(1, 4, 0));
    }
}

using EdgeSync.Quic.Packets;
using EdgeSync.Tests.Support;

namespace EdgeSync.UnitTests.Quic.Packets;

public sealed class VarIntTests
{
    // RFC 9000, A.1; the last one is longer than needed.
    public static TheoryData<string, ulong> Samples() => new()
    {
        { "c2197c5eff14e88c", 151_288_809_941_952_652 },
        { "9d7f3e7d", 494_878_333 },
        { "7bbd", 15_293 },
        { "25", 37 },
        { "4025", 37 },
    };

    [Test]
    [MethodDataSource(nameof(Samples))]
    public void Reads_the_samples_of_the_RFC(string hex, ulong value)
    {
        var bytes = Convert.FromHexString(hex);

        Assert.True(VarInt.TryRead(bytes, out var read, out var size));

        Assert.Equal(value, read);
        Assert.Equal(bytes.Length, size);
        foreach (var prefix in Splits.Prefixes(bytes)) Assert.False(VarInt.TryRead(prefix, out _, out _));
    }

    [Test]
    [MethodDataSource(nameof(Samples))]
    public void Writes_the_samples_of_the_RFC(string hex, ulong value)
    {
        var target = new byte[8];

        VarInt.Write(target, value, hex.Length / 2);

        Assert.Equal(hex, Convert.ToHexStringLower(target[..(hex.Length / 2)]));
    }

    [Test]
    [Arguments(0UL, 1)]
    [Arguments(63UL, 1)]
    [Arguments(64UL, 2)]
    [Arguments(16_383UL, 2)]
    [Arguments(16_384UL, 4)]
    [Arguments((1UL << 30) - 1, 4)]
    [Arguments(1UL << 30, 8)]
    [Arguments((1UL << 62) - 1, 8)]
    public void Writes_the_shortest_form(ulong value, int size)
    {
        var target = new byte[8];

        Assert.Equal(size, VarInt.Write(target, value));

        Assert.True(VarInt.TryRead(target.AsSpan(0, size), out var read, out var used));
        Assert.Equal(value, read);
        Assert.Equal(size, used);
    }

    [Test]
    public void Refuses_to_write_beyond_62_bits() =>
        Assert.Throws<ArgumentOutOfRangeException>(() => VarInt.Write(new byte[8], 1UL << 62));
}

using EdgeSync.Fossil.Blobs;
using EdgeSync.Tests.Support;

namespace EdgeSync.UnitTests.Fossil.Blobs;

/// <summary>
/// The zlib of a page beside that of the program: each reads what the other writes, and refuses the same.
/// </summary>
public sealed class ManagedZlibTests
{
    [Test]
    public void Reads_what_the_native_one_writes_and_the_reverse() => Property.Check(prng =>
    {
        var text = new byte[prng.NextInt32(5000)];
        for (var i = 0; i < text.Length; i++) text[i] = (byte)(prng.NextInt32(4) + 'a');
        var room = new byte[Deflater.GetLengthMax(text.Length)];

        var native = room[..Deflater.OfThisThread.Deflate(text, room)].ToArray();
        var managed = room[..ManagedZlib.Deflate(text, room)].ToArray();

        foreach (var stream in new[] { native, managed })
        {
            var (one, other) = (new byte[text.Length], new byte[text.Length]);
            Assert.True(ManagedZlib.TryInflate(stream, one, out var size, out _));
            Assert.True(Inflater.OfThisThread.TryInflate(stream, other, out var sizeToo, out _));
            Assert.Equal((text.Length, text.Length), (size, sizeToo));
            Assert.Equal(text, one);
            Assert.Equal(text, other);
        }
    });

    [Test]
    public void Refuses_what_the_native_one_refuses() => Property.Check(prng =>
    {
        var text = prng.NextBytes(1 + prng.NextInt32(300));
        var room = new byte[Deflater.GetLengthMax(text.Length)];
        var stream = room[..Deflater.OfThisThread.Deflate(text, room)].ToArray();
        if (prng.Chance(0.5)) stream = stream[..prng.NextInt32(stream.Length)];
        else stream[prng.NextInt32(stream.Length)] ^= (byte)(1 << prng.NextInt32(8));
        var target = new byte[prng.Chance(0.2) ? text.Length - 1 : text.Length];

        Assert.Equal(
            Inflater.OfThisThread.TryInflate(stream, target, out _, out _),
            ManagedZlib.TryInflate(stream, target, out _, out _));
    });
}

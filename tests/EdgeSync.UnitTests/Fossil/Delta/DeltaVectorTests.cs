using EdgeSync.Fossil.Delta;
using EdgeSync.Tests.Support;

namespace EdgeSync.UnitTests.Fossil.Delta;

/// <summary>Deltas that stock wrote (<c>tests/Vectors/fossil/delta</c>), read and written.</summary>
public sealed class DeltaVectorTests
{
    public static TheoryData<string> Names() =>
        [.. Vectors.List("fossil", "delta").Where(p => p.EndsWith(".delta", StringComparison.Ordinal))
            .Select(p => Path.GetFileNameWithoutExtension(p))];

    [Test]
    public void There_are_enough_of_them() => Assert.True(Names().Count >= 50);

    [Test]
    [MethodDataSource(nameof(Names))]
    public void Reads(string name)
    {
        var (source, target, delta) = Load(name);

        Assert.True(DeltaApplier.TryApply(source, delta, target.Length, out var made, out var fault), fault.ToString());
        Assert.Equal(target, made);
    }

    [Test]
    [MethodDataSource(nameof(Names))]
    public void Writes(string name)
    {
        var (source, target, delta) = Load(name);

        Assert.Equal(delta, DeltaEncoder.Encode(source, target));
    }

    [Test]
    [MethodDataSource(nameof(Names))]
    public void Segments_add_up_to_the_target(string name)
    {
        var (source, target, delta) = Load(name);
        var reader = new DeltaReader(delta);
        var at = 0;

        while (reader.TryRead(out var segment))
        {
            var from = segment.IsCopy ? source : delta;
            Assert.Equal(target.AsSpan(at, segment.Length), from.AsSpan(segment.Offset, segment.Length));
            at += segment.Length;
        }

        Assert.False(reader.Fault.IsFault);
        Assert.Equal(target.Length, at);
    }

    internal static (byte[] Source, byte[] Target, byte[] Delta) Load(string name) => (
        Vectors.Read("fossil", "delta", name + ".source"),
        Vectors.Read("fossil", "delta", name + ".target"),
        Vectors.Read("fossil", "delta", name + ".delta"));
}

using System.Text;
using EdgeSync.Fossil.Delta;
using EdgeSync.Tests.Support;

namespace EdgeSync.UnitTests.Fossil.Delta;

/// <summary>The refused space: every fault is a value with its place, and nothing throws.</summary>
public sealed class DeltaFaultTests
{
    private const int SizeMax = 1 << 20;
    private static readonly byte[] Source = "0123456789abcdef"u8.ToArray();

    [Test]
    [Arguments("", DeltaFaultKind.Truncated, 0, 0)]
    [Arguments("C", DeltaFaultKind.Truncated, 0, 0)]
    [Arguments("C:", DeltaFaultKind.SizeMissing, 0, 0)]
    [Arguments("\n1:a", DeltaFaultKind.SizeMissing, 0, 0)]
    [Arguments("~~~~~~\n", DeltaFaultKind.NumberTooLarge, 0, 0)]
    [Arguments("2000000\n", DeltaFaultKind.NumberTooLarge, 0, 0)]
    [Arguments("10000\n", DeltaFaultKind.TargetOverLimit, 0, 0)]
    [Arguments("3\n", DeltaFaultKind.Truncated, 1, 2)]
    [Arguments("3\n3", DeltaFaultKind.Truncated, 1, 2)]
    [Arguments("3\n3!abc0;", DeltaFaultKind.UnknownOperator, 1, 2)]
    [Arguments("3\n@0,", DeltaFaultKind.NumberMissing, 1, 2)]
    [Arguments("3\n1:a2@0", DeltaFaultKind.Truncated, 2, 5)]
    [Arguments("3\n1:a2@0;", DeltaFaultKind.UnknownOperator, 2, 5)]
    [Arguments("3\n1:a2@F,", DeltaFaultKind.CopyPastSource, 2, 5)]
    [Arguments("3\n1:a2@3~~~~~,", DeltaFaultKind.NumberTooLarge, 2, 5)]
    [Arguments("3\n1:a1@1~~~~~,", DeltaFaultKind.CopyPastSource, 2, 5)]
    [Arguments("3\n1:a3~~~~~@1,", DeltaFaultKind.NumberTooLarge, 2, 5)]
    [Arguments("3\n1:a1~~~~~@1,", DeltaFaultKind.TargetTooLong, 2, 5)]
    [Arguments("3\n4:abcd0;", DeltaFaultKind.TargetTooLong, 1, 2)]
    [Arguments("3\n3:ab", DeltaFaultKind.InsertPastDelta, 1, 2)]
    [Arguments("3\n2:ab0;", DeltaFaultKind.TargetTooShort, 2, 6)]
    [Arguments("3\n3:abc0;", DeltaFaultKind.ChecksumMismatch, 2, 7)]
    [Arguments("3\n3:abc4000000;", DeltaFaultKind.NumberTooLarge, 2, 7)]
    public void Names_fault_and_place(string delta, DeltaFaultKind kind, int command, int offset)
    {
        var isSound = DeltaApplier.TryApply(Source, Encoding.ASCII.GetBytes(delta), SizeMax, out _, out var fault);

        Assert.False(isSound);
        Assert.Equal((kind, command, offset), (fault.Kind, fault.Command, fault.Offset));
        Assert.NotEqual("", fault.ToString());
    }

    [Test]
    public void Names_the_byte_range()
    {
        DeltaApplier.TryApply(Source, "L\n5:hello9@8,0;"u8, SizeMax, out _, out var fault);

        Assert.Equal("delta command 2 (byte 9) copies source bytes 8-17, but the source has 16", fault.ToString());
    }

    [Test]
    public void Skips_the_checksum_on_request_and_ignores_trailing_bytes()
    {
        Assert.True(DeltaApplier.TryApply(
            Source, "3\n3:abc0;and more"u8, SizeMax, out var made, out _, verifyChecksum: false));
        Assert.Equal("abc"u8, made);
    }

    [Test]
    public void Accepts_copies_and_inserts_of_nothing()
    {
        Assert.True(DeltaApplier.TryApply(Source, "0\n0@G,0:0;"u8, 0, out var made, out var fault), fault.ToString());
        Assert.Empty(made);
    }

    // A few bytes that announce a gigabyte must not cost a gigabyte.
    [Test]
    public void A_size_that_no_command_backs_up_allocates_nothing()
    {
        var before = GC.GetAllocatedBytesForCurrentThread();

        Assert.False(DeltaApplier.TryApply(Source, "~~~~~\n1:a0;"u8, int.MaxValue, out _, out var fault));

        Assert.Equal(DeltaFaultKind.TargetTooShort, fault.Kind);
        Assert.True(GC.GetAllocatedBytesForCurrentThread() - before < 10_000);
    }

    [Test]
    [MethodDataSource(typeof(DeltaVectorTests), nameof(DeltaVectorTests.Names))]
    public void A_delta_cut_anywhere_is_refused(string name)
    {
        var (source, _, delta) = DeltaVectorTests.Load(name);

        foreach (var prefix in Splits.Prefixes(delta))
            Assert.False(DeltaApplier.TryApply(source, prefix, SizeMax, out _, out _));
    }

    [Test]
    public void A_shorter_source_is_noticed() => Property.Check(prng =>
    {
        var (source, target) = DeltaPairs.Draw(prng);
        var delta = DeltaEncoder.Encode(source, target);
        var shorter = source.AsSpan(0, prng.NextInt32(source.Length + 1));

        // Either no copy reached what is gone, or there is a fault.
        if (!DeltaApplier.TryApply(shorter, delta, SizeMax, out var made, out var fault))
            Assert.Equal(DeltaFaultKind.CopyPastSource, fault.Kind);
        else
            Assert.Equal(target, made);
    });

    // Also the fuzz target: EDGESYNC_PROPERTY_RUNS=1000000 makes it long.
    [Test]
    public void No_input_throws_or_gets_past_the_checks() => Property.Check(prng =>
    {
        var (source, target) = DeltaPairs.Draw(prng);
        var delta = prng.Chance(0.1) ? prng.NextBytes(prng.NextInt32(60)) : DeltaEncoder.Encode(source, target);
        for (var mutations = prng.NextInt32(1, 4); mutations > 0 && delta.Length > 0; mutations--)
        {
            var at = prng.NextInt32(delta.Length);
            delta[at] = prng.Chance(0.5)
                ? prng.Pick("0123456789@:,;~\n"u8)
                : (byte)prng.NextInt32(256);
        }

        if (DeltaApplier.TryApply(source, delta, SizeMax, out var made, out var fault))
        {
            Assert.True(DeltaReader.TryReadTargetSize(delta, out var size));
            Assert.Equal(size, made.Length);
        }
        else
        {
            Assert.True(fault.IsFault);
            Assert.InRange(fault.Offset, 0, delta.Length);
        }
    }, runs: 2000);
}
